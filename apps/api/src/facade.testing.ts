import { setTimeout as sleep } from 'node:timers/promises'
import { seedRows } from '@stratolith/db/seed'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { addGoneHost, testWorld, type World } from './compute/testing.ts'
import { createProject } from './directory/projects/service.ts'
import { assignRole } from './directory/roles/by-name.ts'
import { createUser } from './directory/users/service.ts'
import { newApp } from './http-app.ts'
import { issueToken, type ScopeWish } from './identity/tokens.ts'
import { type Ctx, type Deps, inTransaction } from './kernel/context.ts'
import { quotaResources } from './kernel/quota.ts'
import { hexId, runPending } from './kernel/testing.ts'
import { networkCreateInput, routerCreateInput } from './networking/contract.ts'
import { createNetwork } from './networking/networks/service.ts'
import { addRouterInterface, createRouter } from './networking/routers/service.ts'
import { openstackRoutes } from './openstack/mount.ts'
import { access, type CallerKind, type MountedOperation } from './openstack/operation.ts'
import type { Example, Tenant } from './openstack/testing.ts'
import './register.ts'

/** All façades on one fastify over a world of fake hosts, with a real token for each kind of caller. */
export type FacadeWorld = {
  world: World
  app: FastifyInstance
  owner: Tenant
  stranger: Tenant
  tokens: Record<CallerKind, string>
  /** Tokens that must not be accepted. */
  dead: Record<'none' | 'malformed' | 'expired' | 'revoked' | 'disabledProject' | 'disabledUser', string>
  close(): Promise<void>
}

export async function facadeWorld(): Promise<FacadeWorld> {
  const world = await testWorld(['a'])
  await seedRows(world.deps.root)
  await world.deps.root.host.updateMany({ data: { vcpus: 10_000, memoryMib: 10_000_000, diskGib: 100_000 } })
  const worker = oneWorker(world.deps)
  const owner = await facadeTenant(world, 'owner', worker)
  const stranger = await facadeTenant(world, 'stranger', worker)
  const project = (projectId: string): ScopeWish => ({ kind: 'project', projectId })
  const own = project(owner.projectId)
  const user = (role: string | null, scope: ScopeWish, domainId = 'default') =>
    tokenOf(world.system, role, scope, domainId)
  const tokens: Record<CallerKind, string> = {
    ownerMember: owner.token,
    ownerReader: await user('reader', own),
    stranger: stranger.token,
    domainAdmin: await user('admin', { kind: 'domain', domainId: owner.domainId }, owner.domainId),
    systemReader: await user('reader', { kind: 'system' }),
    admin: await user('admin', own),
    unscoped: await user(null, { kind: 'none' }),
  }
  const app = newApp(world.deps)
  await app.register(openstackRoutes(world.deps))
  return {
    world,
    app,
    owner,
    stranger,
    tokens,
    dead: await deadTokens(world, worker),
    async close() {
      await worker.stop()
      await app.close()
      await world.close()
    },
  }
}

type OneWorker = { settle(): Promise<void>; start(): void; stop(): Promise<void> }

/**
 * The only worker of a world. It runs on demand, and in the background for 10 s after the last demand, and
 * ends before its database does. Two never run at once, because the queue gives an operation to one worker only.
 */
function oneWorker(deps: Deps): OneWorker {
  let until = 0
  let running: Promise<void> | null = null
  let turn: Promise<void> = Promise.resolve()
  const settle = () => {
    const mine = turn.then(() => runPending(deps))
    turn = mine.catch(() => undefined)
    return mine
  }
  const work = async () => {
    while (Date.now() < until) {
      await settle()
      await sleep(50)
    }
    running = null
  }
  return {
    settle,
    start() {
      until = Date.now() + 10_000
      running ??= work()
    },
    async stop() {
      until = 0
      await running
    },
  }
}

async function facadeTenant(world: World, name: string, worker: OneWorker): Promise<Tenant> {
  const { system, deps } = world
  const domainId = hexId()
  await deps.root.domain.create({ data: { id: domainId, name: `${name}-${domainId.slice(0, 8)}` } })
  const project = await createProject(system, { name: `${name}-project`, domainId })
  const user = await createUser(system, { name: `${name}-user`, domainId })
  await assignRole(system, { userId: user.id, role: 'member', target: { projectId: project.id } })
  await deps.root.quotaLimit.createMany({
    data: quotaResources().map((resource) => ({ projectId: project.id, resource, limit: -1 })),
  })
  const ctx: Ctx = {
    ...system,
    actor: { ...system.actor, userId: user.id, userName: user.name, domainId },
    scope: { kind: 'project', projectId: project.id, projectName: project.name, domainId },
    roles: new Set(['member', 'reader']),
  }
  const external = await deps.root.network.findFirstOrThrow({ where: { external: true } })
  // The subnet is large, because the fuzz launches hundreds of instances.
  const network = await createNetwork(
    ctx,
    networkCreateInput.parse({ name: 'net', subnet: { cidr: '10.0.0.0/16' } }),
  )
  const router = await createRouter(
    ctx,
    routerCreateInput.parse({ name: 'net-router', externalNetworkId: external.id }),
  )
  await addRouterInterface(ctx, { id: router.id, subnetId: network.subnets[0]?.id ?? '' })
  return {
    deps,
    ctx,
    admin: { ...ctx, roles: new Set(['admin', 'member', 'reader']) },
    domainId,
    projectId: project.id,
    userId: user.id,
    networkId: network.id,
    imageId: world.imageId,
    externalNetworkId: external.id,
    token: await tokenFor(system, user.id, { kind: 'project', projectId: project.id }),
    settle: worker.settle,
    settleBeside: worker.start,
    goneHost: () => addGoneHost(deps),
  }
}

async function deadTokens(world: World, worker: OneWorker): Promise<FacadeWorld['dead']> {
  const { root } = world.deps
  const tenant = await facadeTenant(world, 'dead', worker)
  const scope: ScopeWish = { kind: 'project', projectId: tenant.projectId }
  const fresh = async () => {
    const ctx = { ...world.system }
    const user = await createUser(ctx, { name: `u-${hexId().slice(0, 8)}` })
    await assignRole(ctx, { userId: user.id, role: 'member', target: { projectId: tenant.projectId } })
    return { userId: user.id, token: await tokenFor(ctx, user.id, scope) }
  }
  const [expired, revoked, disabledUser] = [await fresh(), await fresh(), await fresh()]
  await root.token.updateMany({ where: { userId: expired.userId }, data: { expiresAt: new Date(0) } })
  await root.token.deleteMany({ where: { userId: revoked.userId } })
  await root.user.update({ where: { id: disabledUser.userId }, data: { enabled: false } })
  const disabledProject = await fresh()
  await root.project.update({ where: { id: tenant.projectId }, data: { enabled: false } })
  return {
    none: '',
    malformed: 'slt_nonsense',
    expired: expired.token,
    revoked: revoked.token,
    disabledProject: disabledProject.token,
    disabledUser: disabledUser.token,
  }
}

async function tokenOf(ctx: Ctx, role: string | null, scope: ScopeWish, domainId: string): Promise<string> {
  const user = await createUser(ctx, { name: `u-${hexId().slice(0, 8)}`, domainId })
  const target =
    scope.kind === 'project'
      ? { projectId: scope.projectId }
      : scope.kind === 'domain'
        ? { domainId: scope.domainId }
        : ({ system: true } as const)
  if (role !== null) await assignRole(ctx, { userId: user.id, role, target })
  return tokenFor(ctx, user.id, scope)
}

async function tokenFor(ctx: Ctx, userId: string, scope: ScopeWish): Promise<string> {
  return (await inTransaction(ctx, (tx) => issueToken(tx, { userId, scope, methods: ['password'] }))).text
}

/** The URL of an operation ("/compute/v2.1/servers/:id") with an example's parameters filled in. */
export function urlOf(
  operation: MountedOperation,
  example: Example,
  below = operation.below[0] ?? '',
): string {
  const path = (operation.facade.prefix + below + operation.path).replace(
    /:([a-z_A-Z]+)/g,
    (_, name: string) => encodeURIComponent(example.params?.[name] ?? `no-${name}`),
  )
  const query = new URLSearchParams(example.query ?? {}).toString()
  return query === '' ? path : `${path}?${query}`
}

/** The token of the owner if the owner is authorized, otherwise that of an administrator. */
export function tokenOfCaller({ tokens }: Pick<FacadeWorld, 'tokens'>, operation: MountedOperation): string {
  const verdict =
    operation.access === 'public'
      ? 'ok'
      : (operation.except?.ownerMember ?? access[operation.access].ownerMember)
  return verdict === 'ok' ? tokens.ownerMember : tokens.admin
}

let addresses = 0
/** An address for each caller, because a single address must wait after sixty wrong passwords. */
export const nextAddress = (): string => `192.0.2.${++addresses % 250}`

/** Sends an example of an operation as a caller, with the newest microversion that has the operation. */
export async function send(
  { app }: Pick<FacadeWorld, 'app'>,
  operation: MountedOperation,
  example: Example,
  token: string,
): Promise<LightMyRequestResponse> {
  const body = operation.action === undefined ? example.body : { [operation.action]: example.body ?? null }
  const range = operation.facade.microversions
  const minor = Math.min(operation.until ?? Infinity, range?.max[1] ?? 0)
  return app.inject({
    remoteAddress: nextAddress(),
    method: operation.method,
    url: urlOf(operation, example),
    headers: {
      ...(token === '' ? {} : { 'x-auth-token': token }),
      ...(range ? { 'openstack-api-version': `${range.service} ${range.max[0]}.${minor}` } : {}),
      ...(body === undefined ? {} : { 'content-type': operation.accepts?.[0] ?? 'application/json' }),
      ...example.headers,
    },
    ...(example.bytes !== undefined
      ? { payload: example.bytes }
      : body === undefined
        ? {}
        : { payload: JSON.stringify(body) }),
  })
}
