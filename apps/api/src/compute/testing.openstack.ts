import type { Ctx } from '../kernel/context.ts'
import { createSecurityGroup } from '../networking/security-groups/service.ts'
import type { Example, ExampleMaker, Examples, Tenant } from '../openstack/testing.ts'
import { flavorCreateInput, launchInput } from './contract.ts'
import { createFlavor, grantFlavor, setExtraSpecs } from './flavors/service.ts'
import { createServerGroup } from './groups/service.ts'
import { pauseInstance, stopInstance } from './instances/actions.ts'
import { launchInstances } from './instances/launch.ts'
import { createKeyPair } from './key-pairs/service.ts'

let counter = 0
export const unique = (word: string): string => `${word}-${process.pid}-${counter++}`

/** A server of the tenant that runs. */
export async function aServer({ ctx, imageId, networkId, settle }: Tenant, patch: object = {}) {
  const input = { name: unique('server'), imageId, flavorId: '1', networkIds: [networkId], ...patch }
  const { instances } = await launchInstances(ctx, launchInput.parse(input))
  await settle()
  return instances[0]?.id ?? ''
}
const on = async (tenant: Tenant, more: Partial<Example> = {}): Promise<Example> => ({
  ...more,
  params: { server_id: await aServer(tenant), ...more.params },
})
const action = (body?: unknown): ExampleMaker => ({
  make: (tenant) => on(tenant, body === undefined ? {} : { body }),
})
const after = (first: (ctx: Ctx, input: { id: string }) => Promise<unknown>): ExampleMaker => ({
  async make(tenant) {
    const id = await aServer(tenant)
    await first(tenant.ctx, { id })
    await tenant.settle()
    return { params: { server_id: id } }
  },
})
const plain: ExampleMaker = { make: () => ({}) }

async function aFlavor({ admin }: Tenant, patch: object = {}): Promise<string> {
  const input = { name: unique('flavor'), vcpus: 1, memoryMib: 64, diskGib: 1, ...patch }
  const { id } = await createFlavor(admin, flavorCreateInput.parse(input))
  await setExtraSpecs(admin, { id, specs: { 'a:b': 'c' } })
  return id
}
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

/** What only the other tenant has, in every place where a body or a filter could name it. */
const foreignLaunches = async (tenant: Tenant, other: Tenant): Promise<Example[]> => {
  const base = { name: 'x', imageRef: tenant.imageId, flavorRef: '1', networks: [{ uuid: tenant.networkId }] }
  const group = await createSecurityGroup(other.ctx, { name: unique('g'), description: '' })
  const servers = await createServerGroup(other.ctx, { name: 'sg', policy: 'affinity' })
  const key = unique('key')
  await createKeyPair(other.ctx, { name: key })
  const flavor = await aFlavor(other, { public: false })
  await grantFlavor(other.admin, { id: flavor, projectId: other.projectId })
  const serverId = await aServer(other)
  const port = await other.deps.root.port.findFirstOrThrow({ where: { deviceId: serverId } })
  const image = await other.deps.root.image.create({
    data: {
      id: crypto.randomUUID(),
      projectId: other.projectId,
      name: 'private',
      visibility: 'private',
      state: 'active',
      diskFormat: 'raw',
      virtualBytes: 1024n,
      sizeBytes: 1024n,
      blobId: 'b'.repeat(64),
      sha256: 'b'.repeat(64),
    },
  })
  return [
    { imageRef: image.id },
    { flavorRef: flavor },
    { networks: [{ uuid: other.networkId }] },
    { networks: [{ port: port.id }] },
    { security_groups: [{ name: group.id }] },
    { security_groups: [{ name: group.name }] },
    { key_name: key },
  ]
    .map((patch) => ({ body: { server: { ...base, ...patch } } }))
    .concat({ body: { server: base, 'os:scheduler_hints': { group: servers.id } } } as never)
}
const foreignLists = async (_tenant: Tenant, other: Tenant): Promise<Example[]> => {
  const id = await aServer(other, { tags: ['theirs'] })
  return [
    { query: { project_id: other.projectId } },
    { query: { uuid: id } },
    { query: { tags: 'theirs' } },
    { query: { marker: id } },
    { query: { name: '.*' } },
  ]
}

const flavorExamples: Examples = {
  'flavors.list': plain,
  'flavors.detail': plain,
  'flavors.create': {
    make: () => ({ body: { flavor: { name: unique('flavor'), ram: 64, vcpus: 1, disk: 1 } } }),
  },
  'flavors.get': onFlavor(),
  'flavors.update': onFlavor({ body: { flavor: { description: 'small' } } }),
  'flavors.delete': onFlavor(),
  'flavors.extra_specs.list': onFlavor(),
  'flavors.extra_specs.create': onFlavor({ body: { extra_specs: { 'x:y': 'z' } } }),
  'flavors.extra_specs.get': onFlavor({ params: { key: 'a:b' } }),
  'flavors.extra_specs.update': onFlavor({ params: { key: 'a:b' }, body: { 'a:b': 'd' } }),
  'flavors.extra_specs.delete': onFlavor({ params: { key: 'a:b' } }),
  'flavors.access.list': onFlavor({}, { public: false }),
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

const serverExamples: Examples = {
  'servers.list': { make: () => ({ query: { name: '^server.*' } }), foreign: foreignLists },
  'servers.detail': { make: () => ({ query: { sort_key: 'display_name' } }), foreign: foreignLists },
  'servers.create': {
    make: ({ imageId, networkId }) => ({
      body: {
        server: { name: 'made', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] },
      },
    }),
    foreign: foreignLaunches,
  },
  'servers.get': action(),
  'servers.update': action({ server: { name: 'renamed' } }),
  'servers.delete': action(),
  'servers.ips.list': action(),
  'servers.ips.get': { make: (tenant) => on(tenant, { params: { label: 'net' } }) },
  'servers.os-start': after(stopInstance),
  'servers.os-stop': action(),
  'servers.reboot': action({ type: 'HARD' }),
  'servers.pause': action(),
  'servers.unpause': after(pauseInstance),
  'servers.lock': action({ locked_reason: 'mine' }),
  'servers.unlock': action(),
  'servers.forceDelete': action(),
  'servers.os-resetState': action({ state: 'error' }),
  'servers.os-getConsoleOutput': action({ length: 5 }),
  'servers.changePassword': action({ adminPass: 'secret' }),
  'servers.remote-consoles': action({ remote_console: { protocol: 'vnc', type: 'novnc' } }),
  'servers.os-getVNCConsole': action({ type: 'novnc' }),
  'servers.os-getSerialConsole': action({ type: 'serial' }),
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
}
