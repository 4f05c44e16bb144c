import { execa } from 'execa'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'

/** The limits of one image job, in bytes, seconds and files: generous for real images, small for decompression bombs (A02). */
const limits = { addressSpace: 4 * 1024 ** 3, cpuSeconds: 1800, openFiles: 64 }

/** The paths by which a jailed tool opens its files: it has no access to the folders in which they lie. */
export const jailedFiles = {
  source: '/proc/self/fd/3',
  target: '/proc/self/fd/4',
  /** The further files, by their place in `more`. */
  more: (index: number) => `/proc/self/fd/${5 + index}`,
}

export type JailedJob = {
  /** The number of the user and group. No guest has it, and no file but the target belongs to it. */
  uid: number
  /** Descriptors of the one file that the tool reads and the one file that it writes. */
  source: number
  target: number
  maxFileBytes: number
  /** Descriptors of further files that the tool reads. */
  more?: readonly number[]
  /** Gets what the tool writes to its output. */
  onOutput?: (text: string) => void
}

/**
 * Runs an image tool on bytes that a tenant made. The tool has namespaces of its own, in which it sees no other process,
 * no network and no mount that is made later; it has no privileges and cannot gain any; memory, CPU,
 * file size and open files are bounded, and its environment is empty. It can use the two files that it is
 * given, the further ones in `more`, and files that everybody may read. Formats are always given, never probed.
 */
export async function runJailed(op: Op, job: JailedJob, argv: readonly string[]): Promise<void> {
  const said = await inJail(op, job, argv, 64 * 1024)
  // The tool was killed in the middle of its work.
  if (said === null)
    throw new DriverError('failed', `${argv[0]} was ended because it wrote too many messages.`)
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
  const { more = [], onOutput } = job
  const running = execa('unshare', [...jailWords(job), ...argv], {
    extendEnv: false,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    cwd: '/',
    // execa accepts any open descriptor, but its types list only the first few numbers.
    stdio: ['ignore', 'pipe', 'pipe', ...([job.source, job.target, ...more] as (3 | 4)[])],
    cancelSignal: op.signal,
    // unshare ignores other signals while it waits; the tool ends with it.
    killSignal: 'SIGKILL',
    // The caller's signal bounds the time: the copy of a large volume takes hours.
    forceKillAfterDelay: 500,
    maxBuffer,
    reject: false,
  })
  if (onOutput) running.stdout?.on('data', (chunk: Buffer) => onOutput(chunk.toString('latin1')))
  const result = await running
  if (!result.failed) return `${result.stdout ?? ''}`
  if (result.isMaxBuffer) return null
  const said = `${result.stderr ?? ''}`.trim().slice(-500)
  if (/No space left/i.test(said)) throw new DriverError('no_space', `the disk is full: ${said}`)
  if (result.isCanceled) throw new DriverError('unavailable', 'the image job was cancelled')
  throw new DriverError('invalid', `${argv[0]} refused (${result.exitCode ?? result.signal}): ${said}`)
}

function jailWords({
  uid,
  maxFileBytes,
  more = [],
}: Pick<JailedJob, 'uid' | 'maxFileBytes' | 'more'>): string[] {
  return [
    ...['--net', '--ipc', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'],
    'prlimit',
    `--as=${limits.addressSpace}`,
    `--cpu=${limits.cpuSeconds}`,
    // The tool opens each file once more.
    `--nofile=${limits.openFiles + 2 * more.length}`,
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
