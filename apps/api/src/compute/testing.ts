import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocuments } from '@stratolith/drivers/documents'
import type { DocumentKeeper } from '@stratolith/drivers/documents/interface'
import { DriverError } from '@stratolith/drivers/errors'
import { createFakeParts, type FakeParts } from '@stratolith/drivers/fake-parts'
import { type HostDrivers, reportOf } from '@stratolith/drivers/host'
import type { ExportSpec } from '@stratolith/drivers/volumes/interface'
import { qcow2 } from '../images/testing-qcow2.ts'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { testCtx, testDeps } from '../kernel/testing.ts'
import { createNetworkRow, starterNetwork } from '../networking/networks/service.ts'
import { ensureDefaultSecurityGroup } from '../networking/security-groups/service.ts'
import { addSubnet } from '../networking/subnets/service.ts'
import { seedGroupTypes, seedVolumeTypes } from '../volumes/service.ts'
import { launchInput } from './contract.ts'
import { seedFlavors } from './flavors/seed.ts'
import '../register.ts'

/**
 * refuses: the agent of the host is gone. hangs: the host takes every call and never answers, not even that it gave up.
 * slow: the host answers, and begins each document after `slowMs`.
 */
export type Fault = 'refuses' | 'hangs' | 'slow'
export type FakeHost = FakeParts & {
  documents: DocumentKeeper
  /** The folder of the host's documents; absent: they are kept in memory. */
  dir?: string
  killed: AbortController
  /** Number of calls that a slow host has accepted and not begun. */
  waiting: number
}

export function fakeHost(name: string, imagesDir: string, dir?: string): FakeHost {
  const exports = { imagesDir, bytes: exportedBytes }
  const host = createFakeParts({ network: { host: name }, volumes: { exports } })
  const killed = new AbortController()
  return { ...host, documents: createDocuments({ ...host, dir }), dir, killed, waiting: 0 }
}

/** An image of a volume, different for each export. */
function exportedBytes({ exportId, format }: ExportSpec, sizeBytes: number): Buffer {
  if (format === 'raw') return Buffer.from(exportId.padEnd(512, '.'))
  const tables = { virtualSize: BigInt(sizeBytes), l1Size: Math.ceil(sizeBytes / (512 * 1024 ** 2)) }
  return Buffer.concat([qcow2(tables), Buffer.from(exportId)])
}

/** Plays kill -9 of the agent of a host that keeps its documents on disk, and the agent's next start. */
export function restartHost(world: World, name: string): void {
  const host = world.hosts.get(name)
  if (!host?.dir) throw new Error(`host ${name} keeps nothing on disk`)
  host.killed.abort()
  const killed = new AbortController()
  // The new agent does not see what the old agent still writes in this process.
  const dir = `${host.dir}+`
  fs.cpSync(host.dir, dir, { recursive: true })
  const own = <T extends object>(driver: T) =>
    behind(driver, () => (killed.signal.aborted ? 'hangs' : undefined))
  const { hypervisor, network, storage } = host
  const documents = createDocuments({
    hypervisor: own(hypervisor),
    network: own(network),
    storage: own(storage),
    dir,
  })
  Object.assign(host, { dir, killed, documents })
}

/** Breaks a call off when the agent is killed. */
function whileItLives<T>(host: FakeHost, work: () => Promise<T>): Promise<T> {
  const { signal } = host.killed
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new DriverError('unavailable', 'The agent broke off.')))
    work().then(resolve, reject)
  })
}

export type World = {
  deps: Deps
  system: Ctx
  /** Simulated machines by the name in their endpoint "fake:NAME". */
  hosts: Map<string, FakeHost>
  imageId: string
  /** Faults of hosts by name. Such a host keeps its things, as `hosts` shows. */
  faults: Map<string, Fault>
  /** Delay of a slow host in ms; waiting calls go on when the delay becomes shorter. */
  slowMs: number
  close(): Promise<void>
}

/** Makes a cloud of fake hosts with flavors, an image that every project may launch, and a public network. */
export async function testWorld(
  hostNames: readonly string[] = ['a', 'b'],
  { onDisk = false }: { onDisk?: boolean } = {},
): Promise<World> {
  const hosts = new Map<string, FakeHost>()
  const faults = new Map<string, Fault>()
  const pace = { slowMs: 20_000 }
  const connect = (endpoint: string): HostDrivers => {
    const name = endpoint.replace('fake:', '')
    const dir = onDisk ? path.join(deps.config.dataDir, 'hosts', name) : undefined
    const host = hosts.get(name) ?? fakeHost(name, path.join(deps.config.dataDir, 'images'), dir)
    hosts.set(name, host)
    if (name.startsWith(gone)) faults.set(name, 'refuses')
    const fault = () => faults.get(name)
    const documents: DocumentKeeper = {
      async apply(op, wished) {
        await slowness(host, () => (fault() === 'slow' ? pace.slowMs : 0))
        return whileItLives(host, () => host.documents.apply(op, wished))
      },
      list: (op, kind) => host.documents.list(op, kind),
    }
    const parts = {
      hypervisor: behind(host.hypervisor, fault),
      network: behind(host.network, fault),
      storage: behind(host.storage, fault),
      volumes: behind(host.volumes, fault),
      backups: behind(host.backups, fault),
    }
    return { ...parts, documents: behind(documents, fault), report: (op) => reportOf(parts, op) }
  }
  const { deps, close } = await testDeps(connect)
  const system = systemCtx(deps, 'test-world')
  for (const name of hostNames) await addHost(deps, name)
  await seedFlavors(system)
  await seedVolumeTypes(system)
  await seedGroupTypes(system)
  const owner = await testCtx(deps, { role: 'admin' })
  await deps.root.$transaction(async (tx) => {
    const ctx = { ...system, db: tx }
    const network = await createNetworkRow(ctx, owner.projectId, { name: 'public', external: true })
    await addSubnet(ctx, network, {
      name: '',
      cidr: '172.24.4.0/24',
      gatewayIp: '172.24.4.1',
      dhcp: false,
      dns: [],
    })
  })
  const imageId = await addImage(deps, owner.projectId)
  return Object.assign(pace, { deps, system, hosts, imageId, faults, close })
}

async function slowness(host: FakeHost, slowMs: () => number): Promise<void> {
  const began = Date.now()
  host.waiting++
  while (Date.now() - began < slowMs()) await sleep(20)
  host.waiting--
}

/** Wraps a driver as if it were remote: its calls fail or hang while the host has a fault. */
function behind<T extends object>(driver: T, fault: () => Fault | undefined): T {
  return new Proxy(driver, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'console' && typeof value === 'object' && value !== null) return behind(value, fault)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (name === 'subscribe' || fault() === undefined || fault() === 'slow')
          return Reflect.apply(value, target, args)
        if (fault() === 'hangs') return new Promise(() => undefined)
        return Promise.reject(new DriverError('unavailable', 'connect ECONNREFUSED'))
      }
    },
  })
}

export async function addHost(
  deps: Deps,
  name: string,
  room: { vcpus: number; memoryMib: number; diskGib: number } = {
    vcpus: 64,
    memoryMib: 65_536,
    diskGib: 1000,
  },
): Promise<string> {
  const id = crypto.randomUUID()
  await deps.root.host.create({
    data: { id, name: `secret-name-${name}`, endpoint: `fake:${name}`, ...room },
  })
  deps.hosts.at(`fake:${name}`)
  return id
}

const gone = 'gone-'
/** Adds a machine that does not answer any more and has nothing; returns its id. */
export async function addGoneHost(deps: Deps): Promise<string> {
  const id = await addHost(deps, `${gone}${crypto.randomUUID()}`)
  await deps.root.host.update({ where: { id }, data: { state: 'down' } })
  return id
}

export async function addImage(deps: Deps, projectId: string, patch: object = {}): Promise<string> {
  const id = crypto.randomUUID()
  await deps.root.image.create({
    data: {
      id,
      projectId,
      name: 'Tiny test image',
      visibility: 'public',
      state: 'active',
      diskFormat: 'qcow2',
      virtualBytes: 64n * 1024n * 1024n,
      sizeBytes: 1024n,
      blobId: 'a'.repeat(64),
      sha256: 'a'.repeat(64),
      properties: { os_admin_user: 'tiny' },
      ...patch,
    },
  })
  return id
}

/** Makes a member of a new project that has a network with a way out. */
export async function testTenant(world: World): Promise<Ctx & { projectId: string; networkId: string }> {
  const ctx = await testCtx(world.deps)
  await inTransaction(ctx, (tx) => ensureDefaultSecurityGroup(tx, ctx.projectId))
  const network = await starterNetwork(ctx, { name: 'net' })
  return { ...ctx, networkId: network.id }
}

/** The input of a launch that works: the smallest flavor with the tiny image. */
export const aLaunch = (world: World, patch: object = {}) =>
  launchInput.parse({ name: 'web', imageId: world.imageId, flavorId: '1', ...patch })

/** Counts everything that the hosts have of instances, to prove that nothing is left over. */
export async function leftovers(world: World): Promise<Record<string, number>> {
  const count = async (name: string, host: FakeHost) => {
    const op = {
      id: 'test',
      signal: new AbortController().signal,
      log: world.deps.log,
      progress: () => undefined,
    }
    return [
      (await host.hypervisor.list(op)).length,
      (await host.network.list(op)).ports.length,
      (await host.storage.listDisks(op)).length,
      name,
    ] as const
  }
  const sum = { guests: 0, ports: 0, disks: 0 }
  for (const [name, host] of world.hosts) {
    const [guests, ports, disks] = await count(name, host)
    sum.guests += guests
    sum.ports += ports
    sum.disks += disks
  }
  return sum
}

/** Returns the quota that a project uses and the room that is taken on all hosts. */
export async function accounts(world: World, projectId: string): Promise<Record<string, number>> {
  const usage = await world.deps.root.quotaUsage.findMany({ where: { projectId } })
  const hosts = await world.deps.root.host.aggregate({
    _sum: { vcpusUsed: true, memoryMibUsed: true, diskGibUsed: true },
  })
  return {
    ...Object.fromEntries(usage.filter((u) => u.used > 0).map((u) => [u.resource, u.used])),
    hostVcpus: hosts._sum.vcpusUsed ?? 0,
    hostMemoryMib: hosts._sum.memoryMibUsed ?? 0,
    hostDiskGib: hosts._sum.diskGibUsed ?? 0,
  }
}
