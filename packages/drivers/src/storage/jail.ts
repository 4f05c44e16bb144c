import { execa } from 'execa'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'

/** The limits of one image job, in bytes, seconds and files: generous for real images, small for decompression bombs (A02). */
const limits = { addressSpace: 4 * 1024 ** 3, cpuSeconds: 1800, openFiles: 64 }

/** The paths by which a jailed tool opens its two files: it has no access to the folders in which they lie. */
export const jailedFiles = { source: '/proc/self/fd/3', target: '/proc/self/fd/4' }

export type JailedJob = {
  /** The number of the user and group. No guest has it, and no file but the target belongs to it. */
  uid: number
  /** Descriptors of the one file that the tool reads and the one file that it writes. */
  source: number
  target: number
  maxFileBytes: number
}

/**
 * Runs an image tool on bytes that a tenant made. The tool has namespaces of its own, in which it sees no other process,
 * no network and no mount that is made later; it has no privileges and cannot gain any; memory, CPU,
 * file size and open files are bounded, and its environment is empty. It can use the two files that it is
 * given and files that everybody may read. Formats are always given, never probed.
 */
export async function runJailed(op: Op, job: JailedJob, argv: readonly string[]): Promise<void> {
  await inJail(op, job, argv, 64 * 1024)
}

/** What a jailed tool says of the one file that it reads; null when that is more than `mostBytes`. */
export const readJailed = (
  op: Op,
  job: Pick<JailedJob, 'uid' | 'source'>,
  argv: readonly string[],
  mostBytes: number,
): Promise<string | null> => inJail(op, { ...job, target: 'ignore', maxFileBytes: 0 }, argv, mostBytes)

type Job = Omit<JailedJob, 'target'> & { target: number | 'ignore' }

async function inJail(op: Op, job: Job, argv: readonly string[], maxBuffer: number): Promise<string | null> {
  const result = await execa('unshare', [...jailWords(job), ...argv], {
    extendEnv: false,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    cwd: '/',
    // execa accepts any open descriptor, but its types list only the first few numbers.
    stdio: ['ignore', 'pipe', 'pipe', job.source as 3, job.target as 4],
    cancelSignal: op.signal,
    // unshare ignores other signals while it waits; the tool ends with it.
    killSignal: 'SIGKILL',
    forceKillAfterDelay: 500,
    timeout: 3600_000,
    maxBuffer,
    reject: false,
  })
  if (!result.failed) return `${result.stdout ?? ''}`
  if (result.isMaxBuffer) return null
  const said = `${result.stderr ?? ''}`.trim().slice(-500)
  if (/No space left/i.test(said)) throw new DriverError('no_space', `the disk is full: ${said}`)
  if (result.isCanceled) throw new DriverError('unavailable', 'the image job was cancelled')
  throw new DriverError('invalid', `${argv[0]} refused (${result.exitCode ?? result.signal}): ${said}`)
}

function jailWords({ uid, maxFileBytes }: Pick<JailedJob, 'uid' | 'maxFileBytes'>): string[] {
  return [
    ...['--net', '--ipc', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'],
    'prlimit',
    `--as=${limits.addressSpace}`,
    `--cpu=${limits.cpuSeconds}`,
    `--nofile=${limits.openFiles}`,
    `--fsize=${maxFileBytes}`,
    '--core=0',
    '--',
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    // The kernel drops the effect of unshare's --kill-child when the user changes.
    '--pdeathsig=KILL',
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--',
  ]
}
