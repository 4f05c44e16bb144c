import { setTimeout as sleep } from 'node:timers/promises'
import { baseLink, baseOf } from '../disk-base.ts'
import { DriverError, type DriverErrorCode } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import { opensDirectly } from './guest-volumes.ts'
import type { InstanceSpec } from './interface.ts'
import { type Accelerator, type ArgsInput, firstBaseFd, qemuArgs } from './qemu-args.ts'
import { checkNamespace, type Jail, jailArgs, killQemu, type Spawned, spawnQemu } from './qemu-process.ts'
import { connectQmp, type QmpClient, type QmpEvent } from './qmp.ts'
import { type GuestPaths, makeRunDirectory, tailOf } from './state-files.ts'
import type { VolumeDisk } from './volume-node.ts'

export type LaunchOptions = {
  binary: string
  jail: Jail
  accelerator: Accelerator
  startMs: number
  /** Path of the config drive; null when the guest has none. */
  configDrive: string | null
  /** Gives the guest's user the volumes of its spec. */
  openVolumes: (op: Op) => Promise<VolumeDisk[]>
}
type Handlers = {
  onEvent: (event: QmpEvent) => void
  onClose: () => void
  /** Bounds the resources that the new process may take; the guest runs only after that. */
  bound: (pid: number) => Promise<void>
}

/**
 * Starts QEMU with a stopped guest and connects to its control socket. When the start fails, no process
 * is left, and the error's message ends with the last lines of QEMU's log.
 */
export async function launchQemu(
  op: Op,
  spec: InstanceSpec,
  paths: GuestPaths,
  options: LaunchOptions,
  handlers: Handlers,
): Promise<{ qmp: QmpClient; pid: number; exited: Promise<string> }> {
  checkAlive(op)
  await checkNamespace(options.jail.netns)
  const { uid } = options.jail
  const { disks, bases } = await prepareDisks(spec, uid)
  const volumes = await options.openVolumes(op)
  if (options.configDrive !== null) await giveFile(options.configDrive, uid)
  await makeRunDirectory(paths, uid)
  op.progress('starting QEMU')
  const argv = [
    ...jailArgs(options.jail),
    options.binary,
    ...qemuArgs({ spec, accelerator: options.accelerator, disks, volumes, configDrive: options.configDrive }),
  ]
  const spawned = await spawnQemu(argv, {
    cwd: paths.run,
    log: paths.qemuLog,
    serialLog: paths.serialLog,
    bases,
  })
  try {
    // Both run at the same time, because the kernel needs a while to move a process into a cgroup. When
    // both fail, QEMU's own words come first, because they say why QEMU has ended.
    const [qmp, bound] = await Promise.allSettled([
      waitForQmp(op, spawned, paths, options.startMs, handlers),
      handlers.bound(spawned.pid),
    ])
    if (qmp.status === 'rejected') throw qmp.reason
    if (bound.status === 'rejected') throw bound.reason
    return { qmp: qmp.value, pid: spawned.pid, exited: spawned.exited }
  } catch (error) {
    await killQemu(paths.run, spec.id, spawned.pid)
    // While the child executes another program it has no command line for a moment, and killQemu would miss it.
    await Promise.race([spawned.exited, sleep(200)])
    if (!spawned.hasExited()) await killQemu(paths.run, spec.id, spawned.pid)
    throw error
  }
}

async function waitForQmp(
  op: Op,
  spawned: Spawned,
  paths: GuestPaths,
  startMs: number,
  handlers: Handlers,
): Promise<QmpClient> {
  const end = Date.now() + startMs
  for (;;) {
    checkAlive(op)
    try {
      return await connectQmp(paths.run, Math.max(1, end - Date.now()), handlers)
    } catch (error) {
      if (spawned.hasExited()) throw await startFailure(spawned, paths)
      if (Date.now() >= end)
        throw new DriverError(
          'unavailable',
          `QEMU did not answer within ${startMs} ms. ${await tailOf(paths.qemuLog)}`,
          {
            cause: error,
          },
        )
    }
    await Promise.race([sleep(10), spawned.exited])
  }
}

/** The error code that stands for a message of QEMU. */
const causes: readonly [RegExp, DriverErrorCode][] = [
  [/Cannot allocate memory|cannot set up guest memory|No space left/i, 'no_space'],
  [/Failed to get "?\w*"? ?(write|shared|consistent)|lock/i, 'conflict'],
  [/Image is not in|Could not read (qcow2 )?header|not a (valid )?qcow2/i, 'invalid'],
]

async function startFailure(spawned: Spawned, paths: GuestPaths): Promise<DriverError> {
  const tail = await tailOf(paths.qemuLog)
  const code = causes.find(([words]) => words.test(tail))?.[1] ?? 'failed'
  return new DriverError(
    code,
    `${await spawned.exited} before the guest could start. ${tail || 'Its log is empty.'}`,
  )
}

/**
 * Makes that user the owner of the disks, and finds out which disks can be opened past the page cache
 * (O_DIRECT) and which bases they need. Raises `not_found` with the id of a disk that is missing.
 */
async function prepareDisks(
  spec: InstanceSpec,
  uid: number,
): Promise<{ disks: ArgsInput['disks']; bases: string[] }> {
  const disks = new Map<string, { direct: boolean; baseFd: number | null }>()
  const bases: string[] = []
  for (const disk of spec.disks) {
    try {
      await giveFile(disk.path, uid)
    } catch (cause) {
      if (cause instanceof DriverError) throw cause
      throw new DriverError(
        'not_found',
        `The disk ${disk.id} cannot be opened: ${(cause as Error).message}.`,
        { cause },
      )
    }
    const base = disk.format === 'qcow2' ? await baseOf(disk.path) : null
    if (base === undefined)
      throw new DriverError(
        'failed',
        `What the disk ${disk.id} was made from is not recorded: ${baseLink(disk.path)} is missing.`,
      )
    disks.set(disk.id, {
      direct: await opensDirectly(disk.path),
      baseFd: base === null ? null : firstBaseFd + bases.length,
    })
    if (base !== null) bases.push(base)
  }
  return { disks, bases }
}
