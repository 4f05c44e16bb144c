import { procedure, router } from '../kernel/trpc.ts'
import {
  endpointInput,
  endpointListInput,
  endpointUpdateInput,
  refInput,
  regionInput,
  regionUpdateInput,
  serviceInput,
  serviceListInput,
  serviceUpdateInput,
} from './contract.ts'
import { createEndpoint, deleteEndpoint, listEndpoints, updateEndpoint } from './endpoints.ts'
import { createRegion, deleteRegion, listRegions, updateRegion } from './regions.ts'
import { access } from './service.ts'
import { createService, deleteService, listServices, updateService } from './services.ts'

export const catalogRouter = router({
  access: procedure.query(({ ctx }) => access(ctx.cloud)),
  services: router({
    list: procedure.input(serviceListInput).query(({ ctx, input }) => listServices(ctx.cloud, input)),
    create: procedure.input(serviceInput).mutation(({ ctx, input }) => createService(ctx.cloud, input)),
    update: procedure.input(serviceUpdateInput).mutation(({ ctx, input }) => updateService(ctx.cloud, input)),
    delete: procedure.input(refInput).mutation(({ ctx, input }) => deleteService(ctx.cloud, input)),
  }),
  endpoints: router({
    list: procedure.input(endpointListInput).query(({ ctx, input }) => listEndpoints(ctx.cloud, input)),
    create: procedure.input(endpointInput).mutation(({ ctx, input }) => createEndpoint(ctx.cloud, input)),
    update: procedure
      .input(endpointUpdateInput)
      .mutation(({ ctx, input }) => updateEndpoint(ctx.cloud, input)),
    delete: procedure.input(refInput).mutation(({ ctx, input }) => deleteEndpoint(ctx.cloud, input)),
  }),
  regions: router({
    list: procedure.query(({ ctx }) => listRegions(ctx.cloud)),
    create: procedure.input(regionInput).mutation(({ ctx, input }) => createRegion(ctx.cloud, input)),
    update: procedure.input(regionUpdateInput).mutation(({ ctx, input }) => updateRegion(ctx.cloud, input)),
    delete: procedure.input(refInput).mutation(({ ctx, input }) => deleteRegion(ctx.cloud, input)),
  }),
})
