import { constants } from 'node:fs'
import { access, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import { spawnDetached } from '../programs/run.ts'
import { firstBaseFd, jailEnvironment, serialLogFd } from './qemu-args.ts'
import { tapOwnerArgs } from './tap-owner.ts'

/**
 * How a QEMU process is confined. `uid` is the number of its user and of its group, `groups` are
 * supplementary group ids, `netns` is a name below /run/netns, `taps` are given to that user, and `tun` is
 * a device node that is mounted over /dev/net/tun (null: /dev/net/tun is used as it is). `home` is the host's folder, in which
 * the files of guests lie: for QEMU it is a file system of its own, so that a QEMU that was taken over cannot give its files
 * further names outside, where they would outlive the guest (null: no files of guests are used). Pools of volumes with a folder
 * elsewhere are not in it: those need a file system of their own (docs/security.md).
 */
export type Jail = {
  uid: number
  groups: readonly number[]
  netns: string | null
  taps: readonly string[]
  tun: string | null
  home: string | null
}

/**
 * A constant program: all that varies comes as arguments. Only QEMU sees the mounts, which end with the process. The working
 * directory is entered again, because it would still be the one of before.
 */
const withMounts = [
  '[ -z "$0" ] || mount --bind "$0" /dev/net/tun || exit',
  'mount --rbind "$1" "$1" && shift && cd "$(pwd -P)" && exec "$@"',
].join('\n')

/** The command line before "qemu": it enters the network namespace and then drops every privilege for good. */
export function jailArgs({ uid, groups, netns, taps, tun, home }: Jail): string[] {
  return [
    ...(netns === null ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--']),
    ...(home === null ? [] : ['unshare', '--mount', '--propagation', 'slave', '--']),
    ...(home === null ? [] : ['sh', '-c', withMounts, tun ?? '', home]),
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
 * Starts a process that outlives the agent: in its own session, with its output appended to `log`, with the
 * serial log as an inherited descriptor (the agent opens both, so that QEMU cannot choose other files), and
 * with descriptors for reading the `bases`, which lie where QEMU's user has no access.
 * `exited` resolves to a sentence that says how the process ended. The working directory is `cwd`.
 */
export async function spawnQemu(
  argv: readonly string[],
  options: { cwd: string; log: string; serialLog: string; bases: readonly string[] },
): Promise<Spawned> {
  const [file, ...args] = argv
  if (!file) throw new DriverError('invalid', 'There is nothing to run.')
  const append = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const log = { path: options.log, flags: append | constants.O_TRUNC }
  // Standard input is 0.
  const descriptors = [log, log, { path: options.serialLog, flags: append }]
  if (descriptors.length !== serialLogFd || descriptors.length + 1 !== firstBaseFd)
    throw new Error('the serial log must be descriptor 3')
  for (const path of options.bases) descriptors.push({ path, flags: constants.O_RDONLY })
  const { pid, exited } = await spawnDetached({
    file,
    args,
    cwd: options.cwd,
    env: jailEnvironment,
    descriptors,
  })
  let over = false
  const words = exited.then(({ status, signal }) => {
    over = true
    return signal ? `QEMU was ended by ${signal}` : `QEMU exited with status ${status}`
  })
  return { pid, exited: words, hasExited: () => over }
}

/**
 * The id of the process that runs that guest: its working directory is the guest's run directory (which no
 * other QEMU can enter by itself) and its arguments name the guest. Null when there is none; a zombie
 * does not count. The process `hint` is tried first, then all processes.
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
    return false // The process has ended meanwhile or is a zombie.
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

/** Kills the guest's process, found by `hint` or by a search, and waits until the kernel has removed it. */
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
