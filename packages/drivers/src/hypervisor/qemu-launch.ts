import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError, type DriverErrorCode } from '../errors.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import type { InstanceSpec } from './interface.ts'
import { type Accelerator, qemuArgs } from './qemu-args.ts'
import { checkNamespace, type Jail, jailArgs, killQemu, type Spawned, spawnDetached } from './qemu-process.ts'
import { connectQmp, type QmpClient, type QmpEvent } from './qmp.ts'
import { type GuestPaths, makeRunDirectory, tailOf } from './state-files.ts'

export type LaunchOptions = {
  binary: string
  jail: Jail
  accelerator: Accelerator
  startMs: number
  /** Path of the config drive; null when the guest has none. */
  configDrive: string | null
}
type Handlers = { onEvent: (event: QmpEvent) => void; onClose: () => void }

/**
 * Starts QEMU, stopped, and connects to it. Nothing runs afterwards when it raises; the message
 * then ends with the last lines of QEMU's log.
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
  const direct = await probeDisks(spec)
  await makeRunDirectory(paths, options.jail.uid, options.jail.gid)
  op.progress('starting QEMU')
  const argv = [
    ...jailArgs(options.jail),
    options.binary,
    ...qemuArgs({ spec, accelerator: options.accelerator, direct, configDrive: options.configDrive }),
  ]
  const spawned = await spawnDetached(argv, {
    cwd: paths.run,
    log: paths.qemuLog,
    serialLog: paths.serialLog,
  })
  try {
    const qmp = await waitForQmp(op, spawned, paths, options.startMs, handlers)
    return { qmp, pid: spawned.pid, exited: spawned.exited }
  } catch (error) {
    if (!spawned.hasExited()) {
      // Our own child: the id cannot belong to another process before we have seen its exit.
      process.kill(spawned.pid, 'SIGKILL')
      await spawned.exited
    }
    await killQemu(paths.run, spec.id, null)
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

/** What QEMU's own words mean for whoever asked. */
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

/** Which disks can be opened past the page cache (O_DIRECT). A missing one is `not_found` with its id. */
async function probeDisks(spec: InstanceSpec): Promise<Map<string, boolean>> {
  const direct = new Map<string, boolean>()
  for (const disk of spec.disks) {
    try {
      await (await open(disk.path, constants.O_RDONLY)).close()
    } catch (cause) {
      throw new DriverError(
        'not_found',
        `The disk ${disk.id} cannot be opened: ${(cause as Error).message}.`,
        { cause },
      )
    }
    direct.set(disk.id, await opens(disk.path, constants.O_RDONLY | constants.O_DIRECT))
  }
  return direct
}

async function opens(path: string, flags: number): Promise<boolean> {
  try {
    await (await open(path, flags)).close()
    return true
  } catch {
    return false // the file system has no O_DIRECT: the page cache is used
  }
}
