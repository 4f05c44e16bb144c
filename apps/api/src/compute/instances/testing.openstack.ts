import type { Ctx } from '../../kernel/context.ts'
import { floatingIpCreateInput } from '../../networking/contract.ts'
import { createFloatingIp } from '../../networking/floating-ips/service.ts'
import { createSecurityGroup, ensureDefaultSecurityGroup } from '../../networking/security-groups/service.ts'
import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { flavorCreateInput, launchInput } from '../contract.ts'
import { createFlavor, grantFlavor, setExtraSpecs } from '../flavors/service.ts'
import { createServerGroup } from '../groups/service.ts'
import { pauseInstance, stopInstance } from '../instances/actions.ts'
import { launchInstances } from '../instances/launch.ts'
import { createKeyPair } from '../key-pairs/service.ts'

let counter = 0
export const unique = (word: string): string => `${word}-${process.pid}-${counter++}`

/** Makes a running server of the tenant. The server has no network, because a network has few addresses. */
export async function aServer({ ctx, imageId, settle }: Tenant, patch: object = {}) {
  const input = { name: unique('server'), imageId, flavorId: '1', nics: [], ...patch }
  const { instances } = await launchInstances(ctx, launchInput.parse(input))
  await settle()
  return instances[0]?.id ?? ''
}
export const networked = ({ networkId }: Tenant) => ({ nics: [{ networkId }] })
export const on = async (tenant: Tenant, more: Partial<Example> = {}): Promise<Example> => ({
  ...more,
  params: { server_id: await aServer(tenant), ...more.params },
})
export const action = (body?: unknown): ExampleMaker => ({
  make: (tenant) => on(tenant, body === undefined ? {} : { body }),
})
export const after = (first: (ctx: Ctx, input: { id: string }) => Promise<unknown>): ExampleMaker => ({
  async make(tenant) {
    const id = await aServer(tenant)
    await first(tenant.ctx, { id })
    await tenant.settle()
    return { params: { server_id: id } }
  },
})
export const plain: ExampleMaker = { make: () => ({}) }

export async function aFlavor({ admin }: Tenant, patch: object = {}): Promise<string> {
  const input = { name: unique('flavor'), vcpus: 1, memoryMib: 64, diskGib: 1, ...patch }
  const { id } = await createFlavor(admin, flavorCreateInput.parse(input))
  await setExtraSpecs(admin, { id, specs: { 'a:b': 'c' } })
  return id
}

/** Launches that name things of the other tenant, in every place where a body or a filter could name them. */
const foreignLaunches = async (tenant: Tenant, other: Tenant): Promise<Example[]> => {
  const base = { name: 'x', imageRef: tenant.imageId, flavorRef: '1', networks: [{ uuid: tenant.networkId }] }
  const group = await createSecurityGroup(other.ctx, { name: unique('g'), description: '' })
  const servers = await createServerGroup(other.ctx, { name: 'sg', policy: 'affinity' })
  const key = unique('key')
  await createKeyPair(other.ctx, { name: key })
  const flavor = await aFlavor(other, { public: false })
  await grantFlavor(other.admin, { id: flavor, projectId: other.projectId })
  const serverId = await aServer(other, networked(other))
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

export const serverExamples: Examples = {
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
  'servers.ips.get': {
    make: async (tenant) => ({
      params: { server_id: await aServer(tenant, networked(tenant)), label: 'net' },
    }),
  },
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

async function aGroup({ ctx }: Tenant): Promise<Example> {
  const { id } = await createSecurityGroup(ctx, { name: unique('g'), description: '' })
  return { params: { group_id: id } }
}
const onGroup = (more: Partial<Example> = {}): ExampleMaker => ({
  make: async (tenant) => ({ ...(await aGroup(tenant)), ...more }),
})
const ruleFor = (groupId: string, patch: object = {}) => ({
  body: {
    security_group_rule: {
      parent_group_id: groupId,
      ip_protocol: 'tcp',
      from_port: 22,
      to_port: 22,
      cidr: '10.0.0.0/24',
      ...patch,
    },
  },
})
/** Makes a server that is in a security group beside its default group. */
async function grouped(tenant: Tenant): Promise<Example> {
  const name = unique('g')
  const group = await createSecurityGroup(tenant.ctx, { name, description: '' })
  const fallback = await ensureDefaultSecurityGroup(tenant.ctx, tenant.projectId)
  const id = await aServer(tenant, { ...networked(tenant), securityGroupIds: [fallback, group.id] })
  return { params: { server_id: id }, body: { name } }
}
async function interfaceOf(tenant: Tenant): Promise<Example & { address: string }> {
  const id = await aServer(tenant, networked(tenant))
  const port = await tenant.deps.root.port.findFirstOrThrow({
    where: { deviceId: id },
    include: { addresses: true },
  })
  return { params: { server_id: id, port_id: port.id }, address: port.addresses[0]?.address ?? '' }
}
async function floatingIpFor(tenant: Tenant, associate: boolean): Promise<Example> {
  const { params = {} } = await interfaceOf(tenant)
  const { address } = await createFloatingIp(
    tenant.ctx,
    floatingIpCreateInput.parse(associate ? { portId: params.port_id } : {}),
  )
  await tenant.settle()
  return { params, body: { address } }
}

export const networkExamples: Examples = {
  'servers.interfaces.list': action(),
  'servers.interfaces.get': { make: interfaceOf },
  'servers.interfaces.create': {
    make: (tenant) => on(tenant, { body: { interfaceAttachment: { net_id: tenant.networkId } } }),
    async foreign(tenant, other) {
      const theirs = await interfaceOf(other)
      const params = { server_id: await aServer(tenant) }
      return [{ net_id: other.networkId }, { port_id: theirs.params?.port_id }].map(
        (interfaceAttachment) => ({
          params,
          body: { interfaceAttachment },
        }),
      )
    },
  },
  'servers.interfaces.delete': {
    make: interfaceOf,
    foreign: async (tenant, other) => [
      {
        params: {
          server_id: await aServer(tenant),
          port_id: (await interfaceOf(other)).params?.port_id ?? '',
        },
      },
    ],
  },
  'servers.addFixedIp': {
    make: (tenant) => on(tenant, { body: { networkId: tenant.networkId } }),
    foreign: async (tenant, other) => [await on(tenant, { body: { networkId: other.networkId } })],
  },
  'servers.removeFixedIp': {
    async make(tenant) {
      const { params, address } = await interfaceOf(tenant)
      return { params, body: { address } }
    },
  },
  'servers.addFloatingIp': {
    make: (tenant) => floatingIpFor(tenant, false),
    foreign: async (tenant, other) => [
      { ...(await on(tenant)), body: (await floatingIpFor(other, false)).body },
    ],
  },
  'servers.removeFloatingIp': {
    make: (tenant) => floatingIpFor(tenant, true),
    foreign: async (tenant, other) => [
      { ...(await on(tenant)), body: (await floatingIpFor(other, true)).body },
    ],
  },
  'security_groups.list': plain,
  'security_groups.create': {
    make: () => ({ body: { security_group: { name: unique('g'), description: 'd' } } }),
  },
  'security_groups.get': onGroup(),
  'security_groups.update': onGroup({ body: { security_group: { name: unique('g'), description: '' } } }),
  'security_groups.delete': onGroup(),
  'security_group_rules.create': {
    make: async (tenant) => ruleFor((await aGroup(tenant)).params?.group_id ?? ''),
    async foreign(tenant, other) {
      const [own, theirs] = [(await aGroup(tenant)).params?.group_id, (await aGroup(other)).params?.group_id]
      return [ruleFor(theirs ?? ''), ruleFor(own ?? '', { group_id: theirs, cidr: undefined })]
    },
  },
  'security_group_rules.delete': {
    async make(tenant) {
      const { params } = await aGroup(tenant)
      const rule = await tenant.deps.root.securityGroupRule.findFirstOrThrow({
        where: { groupId: params?.group_id },
      })
      return { params: { group_id: rule.id } }
    },
  },
  'servers.security_groups': action(),
  'servers.addSecurityGroup': {
    async make(tenant) {
      const { name } = await createSecurityGroup(tenant.ctx, { name: unique('g'), description: '' })
      return { params: { server_id: await aServer(tenant, networked(tenant)) }, body: { name } }
    },
    foreign: async (tenant, other) => [
      await on(tenant, { body: { name: (await aGroup(other)).params?.group_id ?? '' } }),
    ],
  },
  'servers.removeSecurityGroup': { make: grouped },
}
