import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GuestIsolation } from './interface.ts'

/** All guests of this machine are below a group of this name; each guest is in a group named by its id. */
const parent = 'stratolith'
const wanted = ['cpu', 'memory', 'pids', 'io'] as const
type Controller = (typeof wanted)[number]

/** The sizes of a guest, from which its bounds are computed. */
export type Shares = { vcpus: number; memoryMib: number; disks: number }
type Tree = { version: 'v1' | 'v2'; directory: string; controllers: Controller[] }
export type CgroupOptions = { mountinfo?: string; blockDevices?: string }

const mib = 1024 ** 2
const between = (low: number, value: number, high: number) => Math.min(high, Math.max(low, Math.round(value)))

/**
 * The memory that QEMU may take beside the guest's own, in MiB. Measured: at most 72 MiB resident with an
 * idle guest of 32 MiB and one disk (QEMU 7.2, TCG). That grows by 64 MiB of translated code (tb-size), 32 MiB
 * of tables for each disk (l2-cache-size), a copy of the screen for each viewer, and page tables (1/512). The
 * limit is generous: it only has to keep a QEMU that runs away from harming other guests.
 */
const overheadMib = ({ memoryMib, disks }: Shares) => 384 + 40 * disks + Math.ceil(memoryMib / 128)
/** QEMU's own threads beside the processors: 64 for each of a few pools, display, clean-up. */
const spareThreads = 256

/**
 * Cgroups of guests, version 2 or 1, or none: open() tries which controllers work on this machine. All guests
 * together weigh as much as one busy process for each processor of the machine, so that they cannot
 * starve the control plane; each guest weighs as much as its number of vCPUs.
 */
export class Cgroups {
  readonly facts: Pick<GuestIsolation, 'cgroup' | 'controllers' | 'reason'>
  readonly #trees: Tree[]

  private constructor(trees: Tree[], reason: string | null) {
    this.#trees = trees
    const found = new Set(trees.flatMap((tree) => tree.controllers))
    const controllers = wanted.filter((name) => found.has(name))
    this.facts = { cgroup: trees[0]?.version ?? 'none', controllers, reason }
  }

  static async open({
    mountinfo = '/proc/self/mountinfo',
    blockDevices = '/sys/block',
  }: CgroupOptions = {}): Promise<Cgroups> {
    const mounts = mountsIn(readFileSync(mountinfo, 'utf8'))
    const problems: string[] = []
    const bfq = await weighsDisks(blockDevices)
    const trees = await version2(mounts, bfq, problems)
    if (trees.length === 0) trees.push(...(await version1(mounts, bfq, problems)))
    const found = new Set(trees.flatMap((tree) => tree.controllers))
    const missing = wanted.filter((name) => !found.has(name))
    if (missing.includes('io') && !bfq)
      problems.push('No disk of this machine has the scheduler bfq, which weighs its users.')
    if (trees.length === 0) problems.unshift('No cgroup can be made here.')
    const reason =
      missing.length === 0 ? null : [`Not bounded: ${missing.join(', ')}.`, ...problems].join(' ')
    return new Cgroups(trees, reason)
  }

  /** Puts a guest's process, with all its threads, into the guest's group. Repeating it changes nothing. */
  async place(id: string, pid: number, shares: Shares): Promise<void> {
    await Promise.all(
      this.#trees.map(async (tree) => {
        const group = join(tree.directory, id)
        // The parent group can have gone with the last guest of another cloud; then this call fails and the
        // caller opens the cgroups again.
        await mkdir(group).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        })
        for (const [file, value] of limits(tree, shares)) await writeFile(join(group, file), String(value))
        await writeFile(join(group, 'cgroup.procs'), String(pid))
      }),
    )
  }

  /** Removes the guest's groups. The guest's process must have ended. */
  async remove(id: string): Promise<void> {
    for (const { directory } of this.#trees) await removeGroup(join(directory, id))
  }

  /** Removes the parent groups when they are empty (another agent may still have guests in them). */
  async close(): Promise<void> {
    for (const { directory } of this.#trees) await rmdir(directory).catch(() => undefined)
  }
}

function limits(tree: Tree, { vcpus, memoryMib, disks }: Shares): [string, string | number][] {
  const bytes = (memoryMib + overheadMib({ vcpus, memoryMib, disks })) * mib
  const weight = between(1, 100 * vcpus, 10_000)
  const ioWeight = between(1, 100 * vcpus, 1_000)
  const all: [Controller, string, string | number][] =
    tree.version === 'v2'
      ? [
          ['cpu', 'cpu.weight', weight],
          ['memory', 'memory.max', bytes],
          ['pids', 'pids.max', vcpus + spareThreads],
          ['io', 'io.bfq.weight', ioWeight],
        ]
      : [
          ['cpu', 'cpu.shares', between(2, 1024 * vcpus, 262_144)],
          ['memory', 'memory.limit_in_bytes', bytes],
          ['pids', 'pids.max', vcpus + spareThreads],
          ['io', 'blkio.bfq.weight', ioWeight],
        ]
  return all.flatMap(([name, file, value]) => (tree.controllers.includes(name) ? [[file, value]] : []))
}

/** Tries again for a while: the kernel frees a group a moment after its last process. A group that is gone is success. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await rmdir(group)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY' || attempt === 100) throw error
      await sleep(20)
    }
  }
}

type Mount = { directory: string; type: string; options: string[] }

/** Lines of mountinfo (proc(5)): "id parent major:minor root POINT options … - TYPE source SUPER". */
function mountsIn(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ')
    const [type, , options] = after?.split(' ') ?? []
    const directory = before?.split(' ')[4]?.replaceAll('\\040', ' ')
    return type?.startsWith('cgroup') && directory
      ? [{ directory, type, options: options?.split(',') ?? [] }]
      : []
  })
}

async function version2(mounts: Mount[], bfq: boolean, problems: string[]): Promise<Tree[]> {
  const mount = mounts.find(({ type }) => type === 'cgroup2')
  if (!mount) return []
  const offered = words(join(mount.directory, 'cgroup.controllers'))
  const useful = wanted.filter((name) => offered.includes(name))
  if (useful.length === 0) return []
  const directory = join(mount.directory, parent)
  try {
    await mkdir(directory, { recursive: true })
  } catch (error) {
    problems.push(`Nothing can be made in ${mount.directory} (${(error as NodeJS.ErrnoException).code}).`)
    return []
  }
  const handed: Controller[] = []
  for (const name of useful) {
    try {
      await writeFile(join(mount.directory, 'cgroup.subtree_control'), `+${name}`)
      if (!words(join(directory, 'cgroup.controllers')).includes(name)) continue
      await writeFile(join(directory, 'cgroup.subtree_control'), `+${name}`)
      handed.push(name)
    } catch (error) {
      problems.push(
        `${name} cannot be handed on below ${mount.directory} (${(error as NodeJS.ErrnoException).code}).`,
      )
    }
  }
  const controllers = handed.filter(
    (name) => name !== 'io' || (bfq && existsSync(join(directory, 'io.bfq.weight'))),
  )
  if (controllers.length === 0) return []
  if (controllers.includes('cpu'))
    await writeFile(join(directory, 'cpu.weight'), String(between(1, 100 * availableParallelism(), 10_000)))
  return [{ version: 'v2', directory, controllers }]
}

const oldNames: Record<Controller, string> = { cpu: 'cpu', memory: 'memory', pids: 'pids', io: 'blkio' }

async function version1(mounts: Mount[], bfq: boolean, problems: string[]): Promise<Tree[]> {
  const trees = new Map<string, Tree>()
  for (const name of wanted) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(oldNames[name]))
    if (!mount || (name === 'io' && !(bfq && existsSync(join(mount.directory, 'blkio.bfq.io_serviced')))))
      continue
    const directory = join(mount.directory, parent)
    try {
      await mkdir(directory, { recursive: true })
      if (name === 'cpu')
        await writeFile(
          join(directory, 'cpu.shares'),
          String(between(2, 1024 * availableParallelism(), 262_144)),
        )
    } catch (error) {
      problems.push(`Nothing can be made in ${mount.directory} (${(error as NodeJS.ErrnoException).code}).`)
      continue
    }
    // Several controllers may share one hierarchy.
    const tree = trees.get(directory) ?? { version: 'v1' as const, directory, controllers: [] }
    tree.controllers.push(name)
    trees.set(directory, tree)
  }
  return [...trees.values()]
}

/** True when a disk has the I/O scheduler bfq: only that one heeds weights of disk traffic. */
async function weighsDisks(blockDevices: string): Promise<boolean> {
  const names = await readdir(blockDevices).catch(() => [])
  const schedulers = await Promise.all(
    names.map((name) => readFile(join(blockDevices, name, 'queue/scheduler'), 'utf8').catch(() => '')),
  )
  return schedulers.some((text) => text.includes('[bfq]'))
}

function words(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split(/\s+/)
  } catch {
    return []
  }
}
