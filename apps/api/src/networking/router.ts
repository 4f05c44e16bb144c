import { z } from 'zod'
import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import {
  floatingIpAssociateInput,
  floatingIpCreateInput,
  floatingIpUpdateInput,
  networkCreateInput,
  networkListInput,
  networkUpdateInput,
  ownedListInput,
  portCreateInput,
  portListInput,
  portUpdateInput,
  rbacPolicyCreateInput,
  routerCreateInput,
  routerGatewayInput,
  routerInterfaceInput,
  routerUpdateInput,
  ruleCreateInput,
  securityGroupCreateInput,
  securityGroupUpdateInput,
  starterNetworkInput,
  subnetCreateInput,
  subnetUpdateInput,
  tagsSetInput,
} from './contract.ts'
import * as floatingIps from './floating-ips/service.ts'
import * as networks from './networks/service.ts'
import { starterOffer } from './networks/starter.ts'
import * as portChanges from './ports/change.ts'
import { explainReach } from './ports/reach.ts'
import * as ports from './ports/service.ts'
import * as rbac from './rbac/service.ts'
import * as routers from './routers/service.ts'
import * as groups from './security-groups/service.ts'
import * as subnets from './subnets/service.ts'
import * as tags from './tags/service.ts'

const reachInput = z.object({
  portId: z.uuid(),
  protocol: z.enum(['tcp', 'udp', 'icmp']).default('tcp'),
  port: z.number().int().min(1).max(65_535).optional(),
})

export const networkingRouter = router({
  /** The address from which the cloud sees the caller, for a rule that lets in the caller alone. */
  myAddress: procedure.query(({ ctx }): { address: string } => ({ address: ctx.sourceIp })),
  networks: router({
    list: procedure
      .input(networkListInput)
      .query(({ ctx, input }) => networks.listNetworks(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => networks.getNetwork(ctx.cloud, input)),
    create: procedure
      .input(networkCreateInput)
      .mutation(({ ctx, input }) => networks.createNetwork(ctx.cloud, input)),
    update: procedure
      .input(networkUpdateInput)
      .mutation(({ ctx, input }) => networks.updateNetwork(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => networks.deleteNetwork(ctx.cloud, input)),
    starterOffer: procedure.query(({ ctx }) => starterOffer(ctx.cloud)),
    starter: procedure
      .input(starterNetworkInput)
      .mutation(({ ctx, input }) => networks.starterNetwork(ctx.cloud, input)),
  }),
  subnets: router({
    create: procedure
      .input(subnetCreateInput)
      .mutation(({ ctx, input }) => subnets.createSubnet(ctx.cloud, input)),
    update: procedure
      .input(subnetUpdateInput)
      .mutation(({ ctx, input }) => subnets.updateSubnet(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => subnets.deleteSubnet(ctx.cloud, input)),
  }),
  ports: router({
    list: procedure.input(portListInput).query(({ ctx, input }) => ports.listPorts(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => ports.getPort(ctx.cloud, input)),
    create: procedure
      .input(portCreateInput)
      .mutation(({ ctx, input }) => portChanges.createPort(ctx.cloud, input)),
    update: procedure
      .input(portUpdateInput)
      .mutation(({ ctx, input }) => portChanges.updatePort(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => portChanges.deletePort(ctx.cloud, input)),
    reach: procedure.input(reachInput).query(({ ctx, input }) => explainReach(ctx.cloud, input)),
  }),
  rbacPolicies: router({
    list: procedure
      .input(z.object({ networkId: z.uuid() }))
      .query(({ ctx, input }) => rbac.listRbacPolicies(ctx.cloud, input)),
    create: procedure
      .input(rbacPolicyCreateInput)
      .mutation(({ ctx, input }) => rbac.createRbacPolicy(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => rbac.deleteRbacPolicy(ctx.cloud, input)),
  }),
  tags: router({
    set: procedure.input(tagsSetInput).mutation(({ ctx, input }) => tags.setTags(ctx.cloud, input)),
  }),
  routers: router({
    list: procedure.input(ownedListInput).query(({ ctx, input }) => routers.listRouters(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => routers.getRouter(ctx.cloud, input)),
    create: procedure
      .input(routerCreateInput)
      .mutation(({ ctx, input }) => routers.createRouter(ctx.cloud, input)),
    update: procedure
      .input(routerUpdateInput)
      .mutation(({ ctx, input }) => routers.updateRouter(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => routers.deleteRouter(ctx.cloud, input)),
    addInterface: procedure
      .input(routerInterfaceInput)
      .mutation(({ ctx, input }) => routers.addRouterInterface(ctx.cloud, input)),
    removeInterface: procedure
      .input(routerInterfaceInput)
      .mutation(({ ctx, input }) => routers.removeRouterInterface(ctx.cloud, input)),
    setGateway: procedure
      .input(routerGatewayInput)
      .mutation(({ ctx, input }) => routers.setRouterGateway(ctx.cloud, input)),
  }),
  floatingIps: router({
    list: procedure
      .input(ownedListInput)
      .query(({ ctx, input }) => floatingIps.listFloatingIps(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => floatingIps.getFloatingIp(ctx.cloud, input)),
    create: procedure
      .input(floatingIpCreateInput)
      .mutation(({ ctx, input }) => floatingIps.createFloatingIp(ctx.cloud, input)),
    associate: procedure
      .input(floatingIpAssociateInput)
      .mutation(({ ctx, input }) => floatingIps.associateFloatingIp(ctx.cloud, input)),
    update: procedure
      .input(floatingIpUpdateInput)
      .mutation(({ ctx, input }) => floatingIps.updateFloatingIp(ctx.cloud, input)),
    delete: procedure
      .input(idInput)
      .mutation(({ ctx, input }) => floatingIps.deleteFloatingIp(ctx.cloud, input)),
  }),
  securityGroups: router({
    list: procedure
      .input(ownedListInput)
      .query(({ ctx, input }) => groups.listSecurityGroups(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => groups.getSecurityGroup(ctx.cloud, input)),
    create: procedure
      .input(securityGroupCreateInput)
      .mutation(({ ctx, input }) => groups.createSecurityGroup(ctx.cloud, input)),
    update: procedure
      .input(securityGroupUpdateInput)
      .mutation(({ ctx, input }) => groups.updateSecurityGroup(ctx.cloud, input)),
    delete: procedure
      .input(idInput)
      .mutation(({ ctx, input }) => groups.deleteSecurityGroup(ctx.cloud, input)),
    addRule: procedure
      .input(ruleCreateInput)
      .mutation(({ ctx, input }) => groups.addSecurityGroupRule(ctx.cloud, input)),
    removeRule: procedure
      .input(idInput)
      .mutation(({ ctx, input }) => groups.removeSecurityGroupRule(ctx.cloud, input)),
  }),
})
