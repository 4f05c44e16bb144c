import {
  asOwner,
  byId,
  floatingIp,
  freePort,
  group,
  name,
  network,
  owner,
  port,
  rbacPolicy,
  router,
  subnet,
  world,
} from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'
import { floatingIpCreateInput, networkCreateInput, portCreateInput, ruleCreateInput } from './contract.ts'
import { createFloatingIp } from './floating-ips/service.ts'
import { createNetwork } from './networks/service.ts'
import { createPort } from './ports/change.ts'
import { createRouter } from './routers/service.ts'
import { addSecurityGroupRule, createSecurityGroup } from './security-groups/service.ts'
import { createSubnet } from './subnets/service.ts'
import { networkExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { network: networkExamples },
  rows: {
    // All callers see their own address.
    myAddress: { kind: 'anyone' },
    'networks.list': { kind: 'list', input: () => ({}) },
    'networks.get': byId('read', network),
    'networks.create': { kind: 'create', input: () => ({ name: name() }) },
    'networks.update': byId('write', network, { name: 'new' }),
    'networks.delete': byId('write', network),
    'networks.starterOffer': { kind: 'list', input: () => undefined },
    'networks.starter': { kind: 'create', input: () => ({ name: name() }) },
    'subnets.create': {
      kind: 'write',
      input: async () => ({ networkId: await network(), cidr: '10.78.0.0/24' }),
    },
    'subnets.delete': byId('write', subnet),
    'subnets.update': byId('write', subnet, { name: 'new' }),
    // The stranger does not see the owner's network.
    'ports.create': { kind: 'write', input: async () => ({ networkId: await network() }) },
    'ports.delete': byId('write', freePort),
    'rbacPolicies.list': { kind: 'list', input: async () => ({ networkId: owner.networkId }) },
    'rbacPolicies.create': {
      kind: 'write',
      input: async () => ({ networkId: await network(), targetProject: 'f'.repeat(32) }),
    },
    'rbacPolicies.delete': byId('write', rbacPolicy),
    'tags.set': byId('write', network, { kind: 'network', tags: ['red'] }),
    'ports.list': { kind: 'list', input: () => ({}) },
    'ports.get': byId('read', port),
    'ports.update': byId('write', port, { name: 'new' }),
    'ports.reach': { kind: 'read', input: async () => ({ portId: await port(), port: 22 }) },
    'routers.list': { kind: 'list', input: () => ({}) },
    'routers.get': byId('read', router),
    'routers.create': { kind: 'create', input: () => ({ name: name() }) },
    'routers.update': byId('write', router, { name: 'new' }),
    'routers.delete': byId('write', router),
    'routers.addInterface': {
      kind: 'write',
      input: async () => ({ id: await router(), subnetId: await subnet() }),
    },
    'routers.removeInterface': {
      kind: 'write',
      input: async () => {
        const input = { id: await router(), subnetId: await subnet() }
        await asOwner().networking.routers.addInterface(input)
        return input
      },
    },
    'routers.setGateway': byId('write', router, { externalNetworkId: null }),
    'floatingIps.list': { kind: 'list', input: () => ({}) },
    'floatingIps.get': byId('read', floatingIp),
    'floatingIps.create': {
      kind: 'create',
      input: async () => ({
        networkId: (await world.deps.root.network.findFirstOrThrow({ where: { external: true } })).id,
      }),
    },
    'floatingIps.associate': byId('write', floatingIp, { portId: null }),
    'floatingIps.update': byId('write', floatingIp, { description: 'new' }),
    'floatingIps.delete': byId('write', floatingIp),
    'securityGroups.list': { kind: 'list', input: () => ({}) },
    'securityGroups.get': byId('read', group),
    'securityGroups.create': { kind: 'create', input: () => ({ name: name() }) },
    'securityGroups.update': byId('write', group, { name: 'new' }),
    'securityGroups.delete': byId('write', group),
    'securityGroups.addRule': {
      kind: 'write',
      input: async () => ({
        securityGroupId: await group(),
        direction: 'ingress',
        protocol: 'tcp',
        portMin: 22,
        portMax: 22,
      }),
    },
    'securityGroups.removeRule': {
      kind: 'write',
      input: async () => {
        const id = await group()
        return { id: (await asOwner().networking.securityGroups.get({ id })).rules[0]?.id }
      },
    },
  },
  quota: {
    ports: { make: (ctx) => createPort(ctx, portCreateInput.parse({ networkId: ctx.networkId })) },
    networks: { make: (ctx, i) => createNetwork(ctx, networkCreateInput.parse({ name: `n${i}` })) },
    subnets: {
      make: (ctx, i) =>
        createSubnet(ctx, {
          networkId: ctx.networkId,
          name: '',
          cidr: `10.9.${i}.0/24`,
          dhcp: true,
          dns: [],
        }),
    },
    routers: { make: (ctx, i) => createRouter(ctx, { name: `r${i}`, description: '' }) },
    floatingIps: { make: (ctx) => createFloatingIp(ctx, floatingIpCreateInput.parse({})) },
    securityGroups: { make: (ctx, i) => createSecurityGroup(ctx, { name: `g${i}`, description: '' }) },
    securityGroupRules: {
      prepare: async (ctx) => (await createSecurityGroup(ctx, { name: 'g', description: '' })).id,
      make: (ctx, i, securityGroupId) =>
        addSecurityGroupRule(
          ctx,
          ruleCreateInput.parse({
            securityGroupId,
            direction: 'ingress',
            protocol: 'tcp',
            portMin: i + 1,
            portMax: i + 1,
          }),
        ),
    },
  },
}
