import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { access, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import { firstBaseFd, jailEnvironment, serialLogFd } from './qemu-args.ts'
import { tapOwnerArgs } from './tap-owner.ts'

/**
 * Who QEMU runs as (user and group of that number) and where. `groups` are supplementary ids, `netns` a
 * name below /run/netns, `taps` become that user's, `tun` is a device node that stands for /dev/net/tun
 * (null: that one itself).
 */
export type Jail = {
  uid: number
  groups: readonly number[]
  netns: string | null
  taps: readonly string[]
  tun: string | null
}

/** Nothing is put into this text; what varies are its arguments. The mount is seen by QEMU alone and ends with it. */
const withTun = 'mount --bind "$0" /dev/net/tun && exec "$@"'

/** The words before "qemu": into the network namespace, then without any privilege and no way back. */
export function jailArgs({ uid, groups, netns, taps, tun }: Jail): string[] {
  return [
    ...(netns === null ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--']),
    ...(tun === null ? [] : ['unshare', '--mount', '--propagation', 'slave', '--', 'sh', '-c', withTun, tun]),
    ...tapOwnerArgs(uid, taps),
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${uid}`,
    groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups',
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--ambient-caps=-all',
    '--',
  ]
}

export type Spawned = { pid: number; exited: Promise<string>; hasExited: () => boolean }

/**
 * Starts a process that outlives us: its own session, output appended to `log`, the serial log as
 * an inherited descriptor (both opened by us: QEMU can write there but not choose other files), then
 * the `bases` for reading, which lie where QEMU's user cannot go.
 * `exited` says in words how it ended. The working directory is `cwd`.
 */
export async function spawnDetached(
  argv: readonly string[],
  options: { cwd: string; log: string; serialLog: string; bases: readonly string[] },
): Promise<Spawned> {
  const [file, ...args] = argv
  if (!file) throw new DriverError('invalid', 'There is nothing to run.')
  const append = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const opened: number[] = []
  const inherit = (path: string, flags: number) => {
    const fd = openSync(path, flags, 0o600)
    opened.push(fd)
    return fd
  }
  let child: ChildProcess
  try {
    const log = inherit(options.log, append | constants.O_TRUNC)
    const stdio = ['ignore' as const, log, log, inherit(options.serialLog, append)]
    if (stdio.length !== serialLogFd + 1 || stdio.length !== firstBaseFd)
      throw new Error('the serial log must be descriptor 3')
    for (const base of options.bases) stdio.push(inherit(base, constants.O_RDONLY))
    child = spawn(file, args, { cwd: options.cwd, detached: true, stdio, env: jailEnvironment })
  } finally {
    for (const fd of opened) closeSync(fd)
  }
  child.unref()
  let over = false
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      over = true
      resolve(signal ? `QEMU was ended by ${signal}` : `QEMU exited with status ${code}`)
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) =>
      reject(
        new DriverError('unsupported', `${file} cannot be run: ${cause.message}. Install util-linux.`, {
          cause,
        }),
      ),
    )
  })
  if (child.pid === undefined) throw new DriverError('failed', `${file} did not start.`)
  return { pid: child.pid, exited, hasExited: () => over }
}

/**
 * The process that runs that guest: its working directory is the guest's run directory (which no
 * other QEMU can enter by itself) and its arguments name the guest. Null when there is none; a
 * zombie is none. `hint` is tried first, then all processes are looked at.
 */
export async function findQemu(
  runDirectory: string,
  id: string,
  hint: number | null,
): Promise<number | null> {
  const directory = await realpath(runDirectory).catch(() => null)
  if (directory === null) return null
  if (hint !== null && (await isQemu(hint, directory, id))) return hint
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && pid !== hint && (await isQemu(pid, directory, id))) return pid
  }
  return null
}

async function isQemu(pid: number, directory: string, id: string): Promise<boolean> {
  try {
    if ((await readlink(`/proc/${pid}/cwd`)) !== directory) return false
    return (await readFile(`/proc/${pid}/cmdline`, 'latin1')).includes(`-uuid\0${id}\0`)
  } catch {
    return false // the process ended while we looked, or is a zombie
  }
}

/** Waits until that process is gone. False when it is still there after timeoutMs. */
export async function waitGone(
  runDirectory: string,
  id: string,
  pid: number,
  timeoutMs: number,
): Promise<boolean> {
  const directory = await realpath(runDirectory).catch(() => null)
  const end = Date.now() + timeoutMs
  while (directory !== null && (await isQemu(pid, directory, id))) {
    if (Date.now() >= end) return false
    await sleep(5)
  }
  return true
}

/** Kills the guest's process, however it was found, and waits until the kernel has freed it. */
export async function killQemu(runDirectory: string, id: string, hint: number | null): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const pid = await findQemu(runDirectory, id, hint)
    if (pid === null) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await waitGone(runDirectory, id, pid, 5_000)
  }
  if ((await findQemu(runDirectory, id, hint)) !== null)
    throw new DriverError(
      'failed',
      `The QEMU process of instance ${id} cannot be killed: look for a hung disk.`,
    )
}

/** Raises `unavailable` when the network namespace that guests start in is not there (yet). */
export async function checkNamespace(netns: string | null): Promise<void> {
  if (netns === null) return
  try {
    await access(`/run/netns/${netns}`)
  } catch (cause) {
    throw new DriverError(
      'unavailable',
      `The network namespace ${netns} of this host is missing: the network driver makes it when it restores.`,
      { cause },
    )
  }
}
