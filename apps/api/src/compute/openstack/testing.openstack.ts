import { addAggregateHost, createAggregate } from '../../hosts/service.ts'
import { createImage } from '../../images/service.ts'
import { floatingIpCreateInput } from '../../networking/contract.ts'
import { createFloatingIp } from '../../networking/floating-ips/service.ts'
import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { aServer, plain, unique } from '../instances/testing.openstack.ts'

const theHost = async ({ deps }: Tenant) => deps.root.host.findFirstOrThrow({ where: { state: 'up' } })

async function anAggregate({ admin }: Tenant): Promise<number> {
  return (await createAggregate(admin, { name: unique('aggregate'), zone: null })).id
}
const onAggregate = (body?: unknown): ExampleMaker => ({
  make: async (tenant) => ({
    params: { aggregate_id: String(await anAggregate(tenant)) },
    ...(body === undefined ? {} : { body }),
  }),
})

const hostExamples: Examples = {
  'aggregates.list': {
    make: async (tenant) => {
      await anAggregate(tenant)
      return {}
    },
  },
  'aggregates.create': {
    make: () => ({ body: { aggregate: { name: unique('a'), availability_zone: 'z' } } }),
  },
  'aggregates.get': onAggregate(),
  'aggregates.update': onAggregate({ aggregate: { availability_zone: 'z' } }),
  'aggregates.delete': onAggregate(),
  'aggregates.set_metadata': onAggregate({ metadata: { a: 'b', c: null } }),
  'aggregates.add_host': {
    make: async (tenant) => ({
      params: { aggregate_id: String(await anAggregate(tenant)) },
      body: { host: (await theHost(tenant)).name },
    }),
  },
  'aggregates.remove_host': {
    async make(tenant) {
      const [id, { name }] = [await anAggregate(tenant), await theHost(tenant)]
      await addAggregateHost(tenant.admin, id, name)
      return { params: { aggregate_id: String(id) }, body: { host: name } }
    },
  },
  'hosts.list': plain,
  'hosts.get': {
    async make(tenant) {
      await aServer(tenant)
      return { params: { name: (await theHost(tenant)).name } }
    },
  },
  'hosts.update': {
    make: async (tenant) => ({ params: { name: (await theHost(tenant)).name }, body: { status: 'enable' } }),
  },
  'usage_audit.list': plain,
  'usage_audit.get': { make: () => ({ params: { before: '2026-11-15 12:00:00' } }) },
}

/** Makes an image of the tenant without data, with a property named "old". */
async function anImage({ ctx }: Tenant): Promise<string> {
  const { id } = await createImage(ctx, {
    name: 'disk',
    description: '',
    diskFormat: 'qcow2',
    visibility: 'shared',
    minDiskGib: 0,
    minRamMib: 0,
    protected: false,
    properties: { old: 'x' },
  })
  return id
}
const onImage = (more: Partial<Example> = {}): ExampleMaker => ({
  make: async (tenant) => ({ ...more, params: { image_id: await anImage(tenant), ...more.params } }),
})
const listExample: ExampleMaker = {
  async make(tenant) {
    await anImage(tenant)
    return { query: { limit: '5' } }
  },
  async foreign(_own, other) {
    await anImage(other)
    return [{ query: { name: 'disk' } }]
  },
}
const withProperty = (more: Partial<Example> = {}) => onImage({ ...more, params: { key: 'old' } })

const imageProxyExamples: Examples = {
  'images.list': listExample,
  'images.detail': listExample,
  'images.get': onImage(),
  'images.delete': onImage(),
  'images.metadata.list': onImage(),
  'images.metadata.create': onImage({ body: { metadata: { a: 'b' } } }),
  'images.metadata.replace': onImage({ body: { metadata: { a: 'b' } } }),
  'images.metadata.get': withProperty(),
  'images.metadata.update': withProperty({ body: { meta: { old: 'b' } } }),
  'images.metadata.delete': withProperty(),
}

const onNetwork: ExampleMaker = { make: ({ networkId }) => ({ params: { id: networkId } }) }
const onFloatingIp: ExampleMaker = {
  async make({ ctx }) {
    const { id } = await createFloatingIp(ctx, floatingIpCreateInput.parse({}))
    return { params: { id } }
  },
}
const networkProxyExamples: Examples = {
  'networks.list': plain,
  'networks.get': onNetwork,
  'tenant_networks.list': plain,
  'tenant_networks.get': onNetwork,
  'floating_ips.list': onFloatingIp,
  'floating_ips.create': {
    async make({ deps, externalNetworkId }) {
      const { name } = await deps.root.network.findUniqueOrThrow({ where: { id: externalNetworkId } })
      return { body: { pool: name } }
    },
    foreign: (_own, other) => [{ body: { pool: other.networkId } }],
  },
  'floating_ips.get': onFloatingIp,
  'floating_ips.delete': onFloatingIp,
  'floating_ip_pools.list': plain,
}

/** Requests that succeed, of the operations in which Nova shows hosts and things of other services. */
export const neighbourExamples: Examples = {
  ...hostExamples,
  ...imageProxyExamples,
  ...networkProxyExamples,
}
