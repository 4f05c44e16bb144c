import { addGoneHost, aLaunch, testTenant, testWorld, type World } from './compute/testing.ts'
import { type Ctx, systemCtx } from './kernel/context.ts'
import { quotaResources } from './kernel/quota.ts'
import { hexId, runPending, testCtx } from './kernel/testing.ts'
import type { TrpcContext } from './kernel/trpc.ts'
import './register.ts'
import { appRouter } from './root-router.ts'

/** The callers of the authorization matrix, the answers of each kind of procedure, and the things that the calls are about. */
export type Caller = 'anonymous' | 'noRole' | 'stranger' | 'reader' | 'member' | 'admin'
export type Answer = 'ok' | 'unauthenticated' | 'forbidden' | 'not_found'
export const callers: Caller[] = ['anonymous', 'noRole', 'stranger', 'reader', 'member', 'admin']
const answers = (...five: Answer[]): Record<Caller, Answer> =>
  Object.fromEntries(
    callers.map((caller, i) => [caller, i === 0 ? 'unauthenticated' : (five[i - 1] ?? 'ok')]),
  ) as Record<Caller, Answer>
export const kinds = {
  //                noRole       stranger     reader       member       admin
  list: answers('forbidden', 'ok', 'ok', 'ok', 'ok'),
  read: answers('forbidden', 'not_found', 'ok', 'ok', 'ok'),
  /** Changes, and reads of secrets, which are as good as a password: readers may not make them. */
  write: answers('forbidden', 'not_found', 'forbidden', 'ok', 'ok'),
  create: answers('forbidden', 'ok', 'forbidden', 'ok', 'ok'),
  admin: answers('forbidden', 'forbidden', 'forbidden', 'forbidden', 'ok'),
  /** Changes of a project's things that only administrators may make. */
  adminWrite: answers('forbidden', 'not_found', 'forbidden', 'forbidden', 'ok'),
  /** Things that only administrators see. */
  hidden: answers('not_found', 'not_found', 'not_found', 'not_found', 'ok'),
  anyone: answers('ok', 'ok', 'ok', 'ok', 'ok'),
  /** Things of a user and not of a project: nobody finds those of another user, not even administrators. */
  mine: answers('not_found', 'not_found', 'not_found', 'not_found', 'not_found'),
  /** Procedures about the caller's own token, which these callers do not have (identity/service.test.ts tests them). */
  token: answers(
    'unauthenticated',
    'unauthenticated',
    'unauthenticated',
    'unauthenticated',
    'unauthenticated',
  ),
}

/** The row of one procedure: its input and its answers to each kind of caller. */
export type Row = {
  kind: keyof typeof kinds
  input?: () => unknown
  mayBeInvalid?: true
  except?: Partial<Record<Caller, Answer>>
}
export const byId = (kind: Row['kind'], make: () => Promise<string>, more: object = {}): Row => ({
  kind,
  input: async () => ({ id: await make(), ...more }),
})

export let world: World
export let owner: Ctx & { projectId: string; networkId: string }
export const contexts = new Map<Caller, Ctx | null>()
export const system = () => systemCtx(world.deps, 'matrix')
export const asOwner = () => callerOf(owner)
export const name = () => `m-${crypto.randomUUID().slice(0, 8)}`

export function callerOf(ctx: Ctx | null) {
  const context: TrpcContext = {
    ctx,
    requestId: 'req-matrix',
    log: () => undefined,
    sourceIp: '127.0.0.1',
    anonymous: { ...system(), roles: new Set(), scope: { kind: 'none' } },
  }
  return appRouter.createCaller(context)
}

/** Makes, before the tests, a project and a caller of each kind. */
export async function openMatrix(): Promise<void> {
  world = await testWorld(['a'])
  await world.deps.root.host.updateMany({ data: { vcpus: 10_000, memoryMib: 10_000_000, diskGib: 100_000 } })
  owner = await testTenant(world)
  await world.deps.root.quotaLimit.createMany({
    data: quotaResources().map((resource) => ({ projectId: owner.projectId, resource, limit: -1 })),
  })
  const { projectId } = owner
  // These sessions are in no table, which is enough for procedures that only need the caller to have one.
  const withSession = (ctx: Ctx): Ctx => ({ ...ctx, actor: { ...ctx.actor, tokenHash: hexId() + hexId() } })
  contexts.set('anonymous', null)
  contexts.set('noRole', withSession(await testCtx(world.deps, { role: 'none', projectId })))
  contexts.set('stranger', withSession(await testCtx(world.deps)))
  contexts.set('reader', withSession(await testCtx(world.deps, { role: 'reader', projectId })))
  contexts.set('member', withSession(await testCtx(world.deps, { projectId })))
  contexts.set('admin', withSession(await testCtx(world.deps, { role: 'admin', projectId })))
}
export const closeMatrix = () => world.close()

export const network = async () => (await asOwner().networking.networks.create({ name: name() })).id
export const subnet = async () => {
  const { id } = await asOwner().networking.networks.create({
    name: name(),
    subnet: { cidr: '10.77.0.0/24' },
  })
  return (await asOwner().networking.networks.get({ id })).subnets[0]?.id ?? ''
}
export const router = async () => (await asOwner().networking.routers.create({ name: name() })).id
export const group = async () => (await asOwner().networking.securityGroups.create({ name: name() })).id
export const image = async () => (await asOwner().images.create({ name: name(), diskFormat: 'raw' })).id
export const sharedImage = async () =>
  (await asOwner().images.create({ name: name(), diskFormat: 'raw', visibility: 'shared' })).id
/** Offers an image to the owner's own project, so that the callers of the matrix may accept the offer. */
export const offer = async () => {
  const member = { imageId: await sharedImage(), projectId: owner.projectId }
  await asOwner().images.members.add(member)
  return member
}
export const instance = async () => {
  const { instances } = await asOwner().compute.instances.launch(
    aLaunch(world, { name: name(), networkIds: [owner.networkId] }),
  )
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
/** An available volume. */
export const volume = async () => {
  const { id } = await asOwner().volumes.create({ sizeGib: 1 })
  await runPending(world.deps)
  return id
}
export const volumeSnapshot = async () => {
  const { id } = await asOwner().volumes.snapshots.create({ volumeId: await volume() })
  await runPending(world.deps)
  return id
}
/** Waits for the work of all requests so far. */
export const settled = () => runPending(world.deps)
export const port = async () => {
  const id = await instance()
  return (await asOwner().networking.ports.list({ deviceId: id })).items[0]?.id ?? ''
}
export const freePort = async () =>
  (await asOwner().networking.ports.create({ networkId: owner.networkId })).id
export const rbacPolicy = async () =>
  (
    await asOwner().networking.rbacPolicies.create({
      networkId: await network(),
      targetProject: 'f'.repeat(32),
    })
  ).id
export const floatingIp = async () => {
  const external = await world.deps.root.network.findFirstOrThrow({ where: { external: true } })
  return (await asOwner().networking.floatingIps.create({ networkId: external.id })).id
}
export const host = async () => (await world.deps.root.host.findFirstOrThrow({ where: { state: 'up' } })).id
export const stray = async (kind: 'guest' | 'port' | 'blob') => {
  const hostId = kind === 'blob' ? '' : await host()
  return (await world.deps.root.stray.create({ data: { hostId, kind, thing: crypto.randomUUID() } })).id
}
export const brake = async () => {
  const data = { hostId: crypto.randomUUID(), kind: 'guest', ids: [], total: 0 }
  const { id, pulledAt } = await world.deps.root.brake.create({ data })
  return { id, pulledAt: pulledAt.toISOString() }
}
export const goneHost = () => addGoneHost(world.deps)
export const fencedHost = async () => {
  const id = await goneHost()
  await world.deps.root.host.update({ where: { id }, data: { state: 'fenced' } })
  return id
}
export const flavor = async (open = false) => {
  const size = { vcpus: 1, memoryMib: 64, diskGib: 1 }
  const admin = callerOf(contexts.get('admin') ?? null)
  return (await admin.compute.flavors.create({ name: name(), ...size, public: open })).id
}
export const flavorWithAccess = async () => {
  const access = { id: await flavor(), projectId: owner.projectId }
  await callerOf(contexts.get('admin') ?? null).compute.flavors.grant(access)
  return access
}
export const serverGroup = async () =>
  (await asOwner().compute.serverGroups.create({ name: name(), policy: 'affinity' })).id
export const keyPair = async () => (await asOwner().compute.keyPairs.create({ name: name() })).name

export const domain = async () => {
  const { id } = await callerOf(system()).directory.domains.create({ name: name(), enabled: false })
  return id
}
export const project = async () => (await callerOf(system()).directory.projects.create({ name: name() })).id
export const user = async () => (await callerOf(system()).directory.users.create({ name: name() })).id
export const userGroup = async () => (await callerOf(system()).directory.groups.create({ name: name() })).id
export const role = async () => (await callerOf(system()).directory.roles.create({ name: name() })).id
export const catalogService = async () =>
  (await callerOf(system()).catalog.services.create({ type: 'dns' })).id
export const catalogRegion = async () => (await callerOf(system()).catalog.regions.create({ id: name() })).id
export const catalogEndpointInput = async () => ({
  serviceId: await catalogService(),
  interface: 'public' as const,
  url: 'http://dns.test/',
})
export const catalogEndpoint = async () =>
  (await callerOf(system()).catalog.endpoints.create(await catalogEndpointInput())).id
export const membership = async () => ({ groupId: await userGroup(), userId: await user() })
export const implication = async () => ({ priorRoleId: await role(), impliedRoleId: await role() })
export const aTrust = async () => {
  const [trustorId, trusteeId] = [await user(), await user()]
  const id = hexId()
  await world.deps.root.trust.create({ data: { id, trustorId, trusteeId } })
  return id
}
export const grant = async () => ({
  userId: await user(),
  roleId: await role(),
  projectId: owner.projectId,
})
