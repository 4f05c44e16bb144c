import type { Example, ExampleMaker, Examples, Tenant } from '../openstack/testing.ts'
import {
  floatingIpCreateInput,
  networkCreateInput,
  portCreateInput,
  routerCreateInput,
  ruleCreateInput,
} from './contract.ts'
import { createFloatingIp } from './floating-ips/service.ts'
import { createNetwork } from './networks/service.ts'
import { taggables } from './openstack/tags.ts'
import { createPort } from './ports/change.ts'
import { createRbacPolicy } from './rbac/service.ts'
import { addRouterInterface, createRouter } from './routers/service.ts'
import { createSecurityGroup, newSecurityGroupRule } from './security-groups/service.ts'
import { setTags } from './tags/service.ts'

let counter = 0
const unique = (word: string): string => `${word}-${process.pid}-${counter++}`
const plain: ExampleMaker = { make: () => ({}) }

async function aNetwork({ ctx }: Tenant): Promise<{ id: string; subnetId: string }> {
  const { id, subnets } = await createNetwork(
    ctx,
    networkCreateInput.parse({ name: unique('net'), subnet: { cidr: '10.60.0.0/24' } }),
  )
  return { id, subnetId: subnets[0]?.id ?? '' }
}
const idOf = async (made: Promise<{ id: string }>) => (await made).id
const network = (tenant: Tenant) => idOf(aNetwork(tenant))
const subnet = async (tenant: Tenant) => (await aNetwork(tenant)).subnetId
const port = (tenant: Tenant, networkId = tenant.networkId) =>
  idOf(createPort(tenant.ctx, portCreateInput.parse({ networkId })))
const router = ({ ctx }: Tenant, patch: object = {}) =>
  idOf(createRouter(ctx, routerCreateInput.parse({ name: unique('router'), ...patch })))
const floatingIp = ({ ctx, externalNetworkId }: Tenant) =>
  idOf(createFloatingIp(ctx, floatingIpCreateInput.parse({ networkId: externalNetworkId })))
const group = ({ ctx }: Tenant) => idOf(createSecurityGroup(ctx, { name: unique('group'), description: '' }))
const rule = async (tenant: Tenant) =>
  newSecurityGroupRule(
    tenant.ctx,
    ruleCreateInput.parse({ securityGroupId: await group(tenant), direction: 'ingress', protocol: 'udp' }),
  )
const policy = async (tenant: Tenant) =>
  idOf(createRbacPolicy(tenant.ctx, { networkId: await network(tenant), targetProject: unique('project') }))

type Make = (tenant: Tenant) => Promise<string>
const on = (make: Make, more: Partial<Example> = {}): ExampleMaker => ({
  make: async (tenant) => ({ ...more, params: { id: await make(tenant), ...more.params } }),
})

/** Examples of the five operations of a resource; `post` is the body of a creation, `put` that of an update. */
function crud(
  collection: string,
  made: Make,
  {
    key,
    post,
    put,
    foreign,
  }: {
    key: string
    post: (tenant: Tenant) => Promise<object> | object
    put?: object
    foreign?: (tenant: Tenant, other: Tenant) => Promise<object[]>
  },
): Examples {
  const wrap = (inner: object): Example => ({ body: { [key]: inner } })
  return {
    [`${collection}.list`]: {
      make: () => ({}),
      foreign: async (_tenant, other): Promise<Example[]> => [
        { query: { id: await made(other) } },
        { query: { project_id: other.projectId } },
      ],
    },
    [`${collection}.get`]: on(made),
    [`${collection}.create`]: {
      make: async (tenant) => wrap(await post(tenant)),
      foreign: async (tenant, other) => [
        wrap({ ...(await post(tenant)), project_id: other.projectId }),
        wrap({ ...(await post(tenant)), tenant_id: other.projectId }),
        ...((await foreign?.(tenant, other)) ?? []).map(wrap),
      ],
    },
    ...(put ? { [`${collection}.update`]: on(made, wrap(put)) } : {}),
    [`${collection}.delete`]: on(made),
  }
}

const resources: Examples = {
  ...crud('networks', network, {
    key: 'network',
    post: () => ({ name: unique('net') }),
    put: { name: 'new', description: 'd', admin_state_up: false },
    foreign: async () => [
      { name: 'x', shared: true },
      { name: 'x', 'router:external': true },
    ],
  }),
  ...crud('subnets', subnet, {
    key: 'subnet',
    post: async (tenant) => ({
      network_id: await network(tenant),
      cidr: '10.61.0.0/24',
      ip_version: 4,
      name: 'sub',
    }),
    put: { name: 'new', dns_nameservers: ['9.9.9.9'] },
    foreign: async (_tenant, other) => [{ network_id: other.networkId, cidr: '10.62.0.0/24', ip_version: 4 }],
  }),
  ...crud('ports', port, {
    key: 'port',
    post: ({ networkId }) => ({ network_id: networkId, name: 'p' }),
    put: { name: 'new', admin_state_up: false },
    foreign: async (tenant, other) => [
      { network_id: other.networkId },
      { network_id: tenant.networkId, security_groups: [await group(other)] },
      { network_id: tenant.networkId, fixed_ips: [{ subnet_id: await subnet(other) }] },
      { network_id: tenant.networkId, device_id: 'x', device_owner: 'network:router_interface' },
      { network_id: tenant.networkId, device_id: 'x', device_owner: 'compute:nova' },
      { network_id: tenant.networkId, 'binding:host_id': 'a' },
      { network_id: tenant.externalNetworkId },
    ],
  }),
  ...crud('routers', router, {
    key: 'router',
    post: () => ({ name: unique('router') }),
    put: { name: 'new', admin_state_up: false },
    foreign: async (_tenant, other) => [
      { name: 'x', external_gateway_info: { network_id: other.networkId } },
    ],
  }),
  ...crud('floatingips', floatingIp, {
    key: 'floatingip',
    post: ({ externalNetworkId }) => ({ floating_network_id: externalNetworkId }),
    put: { description: 'd', port_id: null },
    foreign: async (tenant, other) => [
      { floating_network_id: other.networkId },
      { floating_network_id: tenant.externalNetworkId, port_id: await port(other) },
      { floating_network_id: tenant.externalNetworkId, floating_ip_address: '172.24.4.20' },
    ],
  }),
  ...crud('security_groups', group, {
    key: 'security_group',
    post: () => ({ name: unique('group') }),
    put: { name: 'new', description: 'd' },
  }),
  ...crud('security_group_rules', rule, {
    key: 'security_group_rule',
    post: async (tenant) => ({
      security_group_id: await group(tenant),
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
    }),
    foreign: async (tenant, other) => [
      { security_group_id: await group(other), direction: 'ingress' },
      {
        security_group_id: await group(tenant),
        direction: 'ingress',
        remote_group_id: await group(other),
      },
    ],
  }),
  ...crud('rbac_policies', policy, {
    key: 'rbac_policy',
    post: async (tenant) => policyBody(await network(tenant), unique('project')),
    put: { target_tenant: 'elsewhere' },
    foreign: async (tenant, other) => [
      policyBody(other.networkId, tenant.projectId),
      policyBody(await network(tenant), '*'),
    ],
  }),
}
const policyBody = (networkId: string, target: string) => ({
  object_type: 'network',
  object_id: networkId,
  action: 'access_as_shared',
  target_tenant: target,
})

const plugged = async (tenant: Tenant): Promise<Example> => {
  const [id, subnetId] = [await router(tenant), await subnet(tenant)]
  await addRouterInterface(tenant.ctx, { id, subnetId })
  return { params: { id }, body: { subnet_id: subnetId } }
}

const interfaces: Examples = {
  'routers.add_router_interface': {
    make: async (tenant) => ({
      params: { id: await router(tenant) },
      body: { subnet_id: await subnet(tenant) },
    }),
    foreign: async (tenant, other) => {
      const params = { id: await router(tenant) }
      return [
        { params, body: { subnet_id: await subnet(other) } },
        { params, body: { port_id: await port(other, await network(other)) } },
        { params, body: { port_id: await gatewayPort(other) } },
      ]
    },
  },
  'routers.remove_router_interface': {
    make: plugged,
    foreign: async (tenant, other) => {
      const theirs = await plugged(other)
      return [{ params: { id: await router(tenant) }, body: theirs.body }]
    },
  },
}
const gatewayPort = async (tenant: Tenant): Promise<string> => {
  const id = await router(tenant, { externalNetworkId: tenant.externalNetworkId })
  const where = { deviceOwner: 'network:router_gateway', deviceId: id }
  return (await tenant.deps.root.port.findFirstOrThrow({ where })).id
}

/** Further examples beside those of crud(): IDs of other projects in updates and filters. */
const updates: Examples = {
  'ports.update': {
    ...on(port, { body: { port: { name: 'new', admin_state_up: false } } }),
    foreign: async (tenant, other) => [
      { params: { id: await port(tenant) }, body: { port: { security_groups: [await group(other)] } } },
      {
        params: { id: await port(tenant) },
        body: { port: { fixed_ips: [{ subnet_id: await subnet(other) }] } },
      },
      {
        params: { id: await port(tenant) },
        body: { port: { device_id: await router(other), device_owner: 'network:router_interface' } },
      },
    ],
  },
  'ports.list': {
    make: () => ({}),
    foreign: async (_tenant, other): Promise<Example[]> => [
      { query: { network_id: other.networkId } },
      { query: { security_groups: await group(other) } },
      { query: { fixed_ips: `subnet_id=${await subnet(other)}` } },
      { query: { 'binding:host_id': 'a' } },
      { query: { project_id: other.projectId } },
      { query: { marker: await port(other) } },
    ],
  },
  'routers.update': {
    ...on(router, { body: { router: { name: 'new', admin_state_up: false } } }),
    foreign: async (tenant, other) => [
      {
        params: { id: await router(tenant) },
        body: { router: { external_gateway_info: { network_id: other.networkId } } },
      },
      {
        params: { id: await router(tenant) },
        body: {
          router: {
            external_gateway_info: {
              network_id: tenant.externalNetworkId,
              external_fixed_ips: [{ ip_address: '172.24.4.30' }],
            },
          },
        },
      },
    ],
  },
  'floatingips.update': {
    ...on(floatingIp, { body: { floatingip: { description: 'd', port_id: null } } }),
    foreign: async (tenant, other) => [
      { params: { id: await floatingIp(tenant) }, body: { floatingip: { port_id: await port(other) } } },
    ],
  },
}

const tags: Examples = Object.fromEntries(
  taggables.flatMap(({ collection, kind }): [string, ExampleMaker][] => {
    const make = { network, subnet, port, router, floatingIp, securityGroup: group }[kind]
    const tagged = async (tenant: Tenant) => {
      const id = await make(tenant)
      await setTags(tenant.ctx, { kind, id, tags: ['red'] })
      return id
    }
    return [
      [`${collection}.tags.list`, on(tagged)],
      [`${collection}.tags.replace`, on(make, { body: { tags: ['red', 'blue'] } })],
      [`${collection}.tags.add`, on(make, { body: { tags: ['red', 'blue'] } })],
      [`${collection}.tags.clear`, on(tagged)],
      [`${collection}.tag.get`, on(tagged, { params: { tag: 'red' } })],
      [`${collection}.tag.add`, on(make, { params: { tag: 'red' } })],
      [`${collection}.tag.remove`, on(tagged, { params: { tag: 'red' } })],
    ]
  }),
)

const ofProject: Make = async ({ projectId }) => projectId
const aHost: Make = async ({ deps }) => (await deps.root.host.findFirstOrThrow({ where: { state: 'up' } })).id
const goneHost: Make = (tenant) => tenant.goneHost()

/** Requests of the network façade that succeed (openstack/testing.ts). */
export const networkExamples: Examples = {
  versions: plain,
  version: plain,
  'version/': plain,
  ...resources,
  ...interfaces,
  ...updates,
  ...tags,
  'quotas.list': plain,
  'quotas.get': on(ofProject),
  'quotas.tenant': plain,
  'quotas.project': plain,
  'quotas.defaults': on(ofProject),
  'quotas.details': on(ofProject),
  'quotas.update': on(ofProject, { body: { quota: { network: -1 } } }),
  'quotas.delete': {
    make: async ({ deps }) => {
      const id = crypto.randomUUID().replaceAll('-', '')
      await deps.root.project.create({ data: { id, domainId: 'default', name: unique('project') } })
      return { params: { id } }
    },
  },
  'agents.list': plain,
  'agents.get': on(aHost),
  'agents.delete': on(goneHost),
  'agents.update': on(aHost, { body: { agent: { admin_state_up: true } } }),
  'network_ip_availabilities.list': plain,
  'network_ip_availabilities.get': on(network),
  'extensions.list': plain,
  'extensions.get': { make: () => ({ params: { alias: 'router' } }) },
  'availability_zones.list': plain,
  'service_providers.list': plain,
}
