import type { Example, ExampleMaker, Examples, Tenant } from '../openstack/testing.ts'
import { volumeCreateInput } from '../volumes/contract.ts'
import { createVolume } from '../volumes/service.ts'
import { grantFlavor } from './flavors/service.ts'
import { createServerGroup } from './groups/service.ts'
import {
  action,
  aFlavor,
  aServer,
  networkExamples,
  on,
  plain,
  serverExamples,
  unique,
} from './instances/testing.openstack.ts'
import { attachVolume } from './instances/volumes.ts'
import { createKeyPair } from './key-pairs/service.ts'
import { neighbourExamples } from './openstack/testing.openstack.ts'

const onFlavor = (more: Partial<Example> = {}, patch: object = {}): ExampleMaker => ({
  make: async (tenant) => ({
    ...more,
    params: { flavor_id: await aFlavor(tenant, patch), ...more.params },
  }),
})

async function onKeyPair({ ctx }: Tenant): Promise<Example> {
  const name = unique('key')
  await createKeyPair(ctx, { name })
  return { params: { name } }
}

const flavorExamples: Examples = {
  'flavors.list': plain,
  'flavors.detail': plain,
  'flavors.create': {
    make: () => ({
      body: {
        flavor: {
          ...{ name: unique('flavor'), ram: 64, vcpus: 1, disk: 1 },
          ...{ swap: 64, 'OS-FLV-EXT-DATA:ephemeral': 1 },
        },
      },
    }),
  },
  'flavors.get': onFlavor(),
  'flavors.update': onFlavor({ body: { flavor: { description: 'small' } } }),
  'flavors.delete': onFlavor(),
  'flavors.extra_specs.list': onFlavor(),
  'flavors.extra_specs.create': onFlavor({ body: { extra_specs: { 'x:y': 'z' } } }),
  'flavors.extra_specs.get': onFlavor({ params: { key: 'a:b' } }),
  'flavors.extra_specs.update': onFlavor({ params: { key: 'a:b' }, body: { 'a:b': 'd' } }),
  'flavors.extra_specs.delete': onFlavor({ params: { key: 'a:b' } }),
  'flavors.access.list': {
    async make(tenant) {
      const id = await aFlavor(tenant, { public: false })
      await grantFlavor(tenant.admin, { id, projectId: tenant.projectId })
      return { params: { flavor_id: id } }
    },
  },
  'flavors.addTenantAccess': {
    make: async (tenant) => ({
      params: { flavor_id: await aFlavor(tenant, { public: false }) },
      body: { tenant: tenant.projectId },
    }),
  },
  'flavors.removeTenantAccess': {
    async make(tenant) {
      const id = await aFlavor(tenant, { public: false })
      await grantFlavor(tenant.admin, { id, projectId: tenant.projectId })
      return { params: { flavor_id: id }, body: { tenant: tenant.projectId } }
    },
  },
}

const keyPairExamples: Examples = {
  'keypairs.list': {
    make: () => ({}),
    foreign: async (_tenant, other) => {
      await onKeyPair(other)
      return [{ query: { user_id: other.userId } }]
    },
  },
  'keypairs.create': {
    make: () => ({ body: { keypair: { name: unique('key') } } }),
    foreign: (_tenant, other) => [{ body: { keypair: { name: unique('key'), user_id: other.userId } } }],
  },
  'keypairs.get': {
    make: onKeyPair,
    foreign: async (_tenant, other) => [{ ...(await onKeyPair(other)), query: { user_id: other.userId } }],
  },
  'keypairs.delete': {
    make: onKeyPair,
    foreign: async (_tenant, other) => [{ ...(await onKeyPair(other)), query: { user_id: other.userId } }],
  },
}

const ofProject = (more: Partial<Example> = {}): ExampleMaker => ({
  make: ({ projectId }) => ({ params: { tenant_id: projectId }, ...more }),
})
const theirProject: ExampleMaker['foreign'] = (_tenant, other) => [{ params: { tenant_id: other.projectId } }]
const theHost = async ({ deps }: Tenant) => deps.root.host.findFirstOrThrow({ where: { state: 'up' } })

const otherExamples: Examples = {
  'servers.metadata.list': action(),
  'servers.metadata.create': action({ metadata: { a: 'b' } }),
  'servers.metadata.replace': action({ metadata: { a: 'b' } }),
  'servers.metadata.get': { make: (tenant) => withMetadata(tenant) },
  'servers.metadata.update': { make: (tenant) => withMetadata(tenant, { meta: { a: 'c' } }) },
  'servers.metadata.delete': { make: (tenant) => withMetadata(tenant) },
  'servers.tags.list': action(),
  'servers.tags.replace': action({ tags: ['x'] }),
  'servers.tags.clear': action(),
  'servers.tags.get': { make: (tenant) => tagged(tenant, 'there') },
  'servers.tags.add': { make: (tenant) => tagged(tenant, 'new') },
  'servers.tags.delete': { make: (tenant) => tagged(tenant, 'there') },
  'servers.actions.list': action(),
  'servers.actions.get': {
    async make(tenant) {
      const id = await aServer(tenant)
      const { requestId } = await tenant.deps.root.operation.findFirstOrThrow({ where: { resourceId: id } })
      return { params: { server_id: id, request_id: requestId ?? '' } }
    },
  },
  'server_groups.list': plain,
  'server_groups.create': {
    make: () => ({ body: { server_group: { name: unique('sg'), policy: 'affinity' } } }),
  },
  'server_groups.get': { make: aServerGroup },
  'server_groups.delete': { make: aServerGroup },
  'limits.get': {
    make: () => ({}),
    foreign: (_tenant, other) => [{ query: { tenant_id: other.projectId } }],
  },
  'quotas.get': { ...ofProject(), foreign: theirProject },
  'quotas.detail': { ...ofProject(), foreign: theirProject },
  'quotas.defaults': ofProject(),
  'quotas.update': ofProject({ body: { quota_set: { server_groups: -1 } } }),
  'quotas.delete': {
    async make(tenant) {
      // The example uses a project of its own, because the tenant itself has no limits.
      const { id } = await tenant.deps.root.project.create({
        data: { id: crypto.randomUUID().replaceAll('-', ''), domainId: tenant.domainId, name: unique('p') },
      })
      return { params: { tenant_id: id } }
    },
  },
  'quota_classes.get': { make: () => ({ params: { id: 'default' } }) },
  'quota_classes.update': {
    make: () => ({ params: { id: 'default' }, body: { quota_class_set: { server_groups: 11 } } }),
  },
  'zones.list': plain,
  'zones.detail': plain,
  'hypervisors.list': plain,
  'hypervisors.detail': plain,
  'hypervisors.statistics': plain,
  'hypervisors.search': {
    make: async (tenant) => ({ params: { pattern: (await theHost(tenant)).name } }),
  },
  'hypervisors.servers': {
    make: async (tenant) => ({ params: { pattern: (await theHost(tenant)).name } }),
  },
  'hypervisors.get': { make: async (tenant) => ({ params: { id: (await theHost(tenant)).id } }) },
  'hypervisors.uptime': { make: async (tenant) => ({ params: { id: (await theHost(tenant)).id } }) },
  'services.list': plain,
  'services.enable': { make: (tenant) => serviceBody(tenant) },
  'services.disable': { make: (tenant) => serviceBody(tenant) },
  'services.disable-log-reason': { make: (tenant) => serviceBody(tenant, { disabled_reason: 'why' }) },
  'services.force-down': {
    async make(tenant) {
      const { name } = await tenant.deps.root.host.findUniqueOrThrow({
        where: { id: await tenant.goneHost() },
      })
      return { body: { host: name, binary: 'nova-compute', forced_down: true } }
    },
  },
  'services.update': {
    make: async (tenant) => ({ params: { id: (await theHost(tenant)).id }, body: { status: 'enabled' } }),
  },
  'services.delete': {
    make: async ({ goneHost }) => ({ params: { id: await goneHost() } }),
  },
  'usage.list': plain,
  'usage.get': { ...ofProject(), foreign: theirProject },
  'servers.diagnostics': action(),
  'servers.password.get': action(),
  'servers.password.clear': action(),
  'extensions.list': plain,
  'extensions.get': { make: () => ({ params: { alias: 'os-keypairs' } }) },
  'migrations.list': plain,
  'servers.volumes.list': action(),
  'servers.volumes.create': {
    async make(tenant) {
      const volumeId = await aVolume(tenant)
      return on(tenant, { body: { volumeAttachment: { volumeId } } })
    },
    foreign: async (tenant, other) => [
      await on(tenant, { body: { volumeAttachment: { volumeId: await aVolume(other) } } }),
    ],
  },
  'servers.volumes.get': { make: attached, foreign: foreignVolume },
  'servers.volumes.update': {
    async make(tenant) {
      const made = await attached(tenant)
      const volumeId = made.params?.volume_id
      return { ...made, body: { volumeAttachment: { volumeId } } }
    },
    foreign: foreignVolume,
  },
  'servers.volumes.delete': { make: attached, foreign: foreignVolume },
}
async function aVolume(tenant: Tenant): Promise<string> {
  const { id } = await createVolume(tenant.ctx, volumeCreateInput.parse({ sizeGib: 1 }))
  await tenant.settle()
  return id
}
async function attached(tenant: Tenant): Promise<Example> {
  const [id, volumeId] = [await aServer(tenant), await aVolume(tenant)]
  await attachVolume(tenant.ctx, { id, volumeId })
  await tenant.settle()
  return { params: { server_id: id, volume_id: volumeId } }
}
async function foreignVolume(tenant: Tenant, other: Tenant): Promise<Example[]> {
  return [{ params: { server_id: await aServer(tenant), volume_id: await aVolume(other) } }]
}
async function withMetadata(tenant: Tenant, body?: object): Promise<Example> {
  const id = await aServer(tenant, { metadata: { a: 'b' } })
  return { params: { server_id: id, key: 'a' }, ...(body ? { body } : {}) }
}
async function tagged(tenant: Tenant, key: string): Promise<Example> {
  return { params: { server_id: await aServer(tenant, { tags: ['there'] }), key } }
}
async function aServerGroup({ ctx }: Tenant): Promise<Example> {
  const { id } = await createServerGroup(ctx, { name: unique('sg'), policy: 'anti-affinity' })
  return { params: { group_id: id } }
}
/**
 * Makes the body for a service. Each example enables the hosts again, so that an example that disables the only host
 * does not starve the next.
 */
async function serviceBody(tenant: Tenant, more: object = {}): Promise<Example> {
  const { name } = await tenant.deps.root.host.findFirstOrThrow({ where: { state: 'up' } })
  await tenant.deps.root.host.updateMany({ data: { enabled: true, disabledReason: null } })
  return { body: { host: name, binary: 'nova-compute', ...more } }
}

/** Requests of Nova's API that succeed for their owner, for the matrix and the fuzz. */
export const computeExamples: Examples = {
  'versions.list': plain,
  'versions.v2': plain,
  'versions.v2/': plain,
  'versions.v2.1': plain,
  'versions.v2.1/': plain,
  ...flavorExamples,
  ...keyPairExamples,
  ...serverExamples,
  ...networkExamples,
  ...otherExamples,
  ...neighbourExamples,
}
