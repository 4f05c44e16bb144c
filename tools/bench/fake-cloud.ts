import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import { seedFlavors } from '../../apps/api/src/compute/flavors/seed.ts'
import { createProject } from '../../apps/api/src/directory/projects/service.ts'
import { assignRole } from '../../apps/api/src/directory/roles/by-name.ts'
import { seedIdentity } from '../../apps/api/src/directory/seed.ts'
import { registerHost } from '../../apps/api/src/hosts/service.ts'
import { anonymousCtx, authenticate } from '../../apps/api/src/identity/tokens.ts'
import { type Ctx, type Deps, systemCtx } from '../../apps/api/src/kernel/context.ts'
import { EventHub } from '../../apps/api/src/kernel/event-hub.ts'
import { quotaResources } from '../../apps/api/src/kernel/quota.ts'
import { seedNetworking } from '../../apps/api/src/networking/seed.ts'
import { appRouter } from '../../apps/api/src/root-router.ts'
import { seedVolumeTypes } from '../../apps/api/src/volumes/service.ts'
import { root } from '../cloud/paths.ts'
import { ensureDatabase, type Postgres, startPostgres, throwAwayDir } from '../postgres.ts'
import { fakeDeps } from './fake-deps.ts'
import { waitFor } from './instance-events.ts'
import { cpuOfTree } from './processes.ts'
import type { Statements } from './statements.ts'

type Caller = ReturnType<typeof appRouter.createCaller>
/** A project with a token. `api()` checks the token, as each request does. */
export type Tenant = { token: string; projectId: string; api(): Promise<Caller> }
export type FakeCloud = {
  deps: Deps
  databaseUrl: string
  imageId: string
  administrator: Tenant
  tenant(): Promise<Tenant>
  /** Makes a network of 10.0.0.0/16, which has addresses for a thousand instances. */
  network(tenant: Tenant): Promise<string>
  /** Resolves when the event log says that the instance is launched or deleted. */
  reached(instanceId: string, what: 'active' | 'gone'): Promise<void>
  workerStatements(): Promise<Statements>
  /** The processor time of PostgreSQL and its present children, in ms. */
  databaseCpuMs(): number
  stop(): Promise<void>
}

/**
 * Starts a cloud without machines: a new and durable PostgreSQL in a temporary folder, the real schema,
 * the real queue in a worker process of its own (if wanted), and `hosts` simulated machines. Call stop() in the end.
 */
export async function startFakeCloud(hosts: number, options = { worker: true }): Promise<FakeCloud> {
  const dir = throwAwayDir('stratolith-bench-db-', '/var/tmp')
  const server = await startPostgres(dir, { durable: true })
  try {
    return await openCloud(server, dir, hosts, options)
  } catch (error) {
    await remove(server, dir)
    throw error
  }
}

async function openCloud(
  server: Postgres,
  dir: string,
  hosts: number,
  options: { worker: boolean },
): Promise<FakeCloud> {
  const databaseUrl = await ensureDatabase(server.url, 'bench')
  // The migrations run in a process of their own, because the schema engine keeps connections open until it ends.
  execFileSync(process.execPath, [path.join(root, 'tools/migrate.ts'), 'deploy'], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: databaseUrl },
  })
  await runMigrations({ connectionString: databaseUrl })
  const deps = fakeDeps(databaseUrl, 16)
  const imageId = await seed(deps, hosts)
  const worker = options.worker ? await startWorker(databaseUrl) : null
  const hub = new EventHub(deps)
  await hub.start()
  const administrator = await signIn(deps, 'admin')
  return {
    deps,
    databaseUrl,
    imageId,
    administrator,
    tenant: () => newTenant(deps, administrator),
    network: async (tenant) => {
      const api = await tenant.api()
      const network = await api.networking.networks.create({ name: 'wide', subnet: { cidr: '10.0.0.0/16' } })
      return network.id
    },
    reached: waitFor(hub),
    workerStatements: async () => (await worker?.statements()) ?? { all: 0, transactions: 0, cpuMs: 0 },
    databaseCpuMs: () => cpuOfTree(server.pid),
    async stop() {
      await hub.close()
      await worker?.stop()
      await deps.root.$disconnect()
      await remove(server, dir)
    },
  }
}

async function remove(server: Postgres, dir: string): Promise<void> {
  await server.stop()
  fs.rmSync(dir, { recursive: true, force: true })
}

const password = crypto.randomUUID()

async function seed(deps: Deps, hosts: number): Promise<string> {
  const ctx = systemCtx(deps, 'bench-seed')
  await seedIdentity(deps, { adminPassword: password, demoPassword: password })
  await seedNetworking(deps)
  await seedFlavors(ctx)
  await seedVolumeTypes(ctx)
  for (let i = 0; i < hosts; i++) await registerHost(ctx, { name: `host-${i}`, endpoint: `fake:${i}` })
  const id = crypto.randomUUID()
  const owner = await deps.root.project.findFirstOrThrow({ where: { name: 'admin' } })
  await deps.root.image.create({
    data: {
      id,
      projectId: owner.id,
      name: 'Tiny test image',
      visibility: 'public',
      state: 'active',
      diskFormat: 'qcow2',
      virtualBytes: 64n * 1024n * 1024n,
      sizeBytes: 1024n,
      blobId: 'a'.repeat(64),
      sha256: 'a'.repeat(64),
    },
  })
  return id
}

function callerOf(deps: Deps, ctx: Ctx | null): Caller {
  const requestId = `req-${crypto.randomUUID()}`
  return appRouter.createCaller({
    ctx,
    requestId,
    anonymous: anonymousCtx(deps, requestId),
    sourceIp: '127.0.0.1',
    log: (error, at) => deps.log.error({ err: error.cause ?? error }, at),
  })
}

async function signIn(deps: Deps, user: string): Promise<Tenant> {
  const { token } = await callerOf(deps, null).identity.signIn({ user, password })
  const ctx = await authenticate(deps, token, 'req-bench')
  if (ctx?.scope.kind !== 'project') throw new Error(`${user} has signed in to no project.`)
  return tenantOf(deps, token, ctx.scope.projectId)
}

const tenantOf = (deps: Deps, token: string, projectId: string): Tenant => ({
  token,
  projectId,
  api: async () => callerOf(deps, await authenticate(deps, token, `req-${crypto.randomUUID()}`)),
})

/** Makes a project without limits, with a token of the administrator. */
async function newTenant(deps: Deps, administrator: Tenant): Promise<Tenant> {
  const ctx = systemCtx(deps, 'bench-tenant')
  const project = await createProject(ctx, { name: `bench-${crypto.randomUUID().slice(0, 8)}` })
  const admin = await administrator.api()
  const { user } = await admin.identity.session()
  await assignRole(ctx, { userId: user.id, role: 'member', target: { projectId: project.id } })
  await deps.root.quotaLimit.createMany({
    data: quotaResources().map((resource) => ({ projectId: project.id, resource, limit: -1 })),
  })
  const { token } = await admin.identity.rescope({ projectId: project.id })
  return tenantOf(deps, token, project.id)
}

async function startWorker(databaseUrl: string) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'fake-worker.ts')], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: databaseUrl, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await answer(child)
  return {
    async statements(): Promise<Statements> {
      child.send('read')
      return answer(child)
    },
    async stop(): Promise<void> {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

function answer(child: ChildProcess): Promise<Statements> {
  return new Promise((resolve, reject) => {
    const failed = (code: number | null) =>
      reject(new Error(`the worker of the measurement ended with ${code}`))
    child.once('exit', failed)
    child.once('message', (message) => {
      child.off('exit', failed)
      resolve(message as Statements)
    })
  })
}
