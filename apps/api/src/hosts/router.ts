import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import { hostListInput, hostUpdateInput } from './contract.ts'
import { deleteHost, getHost, listHosts, updateHost } from './service.ts'

export const hostsRouter = router({
  list: procedure.input(hostListInput).query(({ ctx, input }) => listHosts(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getHost(ctx.cloud, input)),
  update: procedure.input(hostUpdateInput).mutation(({ ctx, input }) => updateHost(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteHost(ctx.cloud, input)),
})
