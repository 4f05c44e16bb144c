import { execa } from 'execa'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'

/** Bounds of one image job; generous for real images, small for bombs (A02). */
const limits = { addressSpace: 4 * 1024 ** 3, cpuSeconds: 1800, openFiles: 64 }

/** How a jailed tool names the two files that it was given: where they lie, it cannot go. */
export const jailedFiles = { source: '/proc/self/fd/3', target: '/proc/self/fd/4' }

export type JailedJob = {
  /** User and group of that number: no guest's, and nothing belongs to it but the target. */
  uid: number
  /** Descriptors of the one file that it reads and the one that it writes. */
  source: number
  target: number
  maxFileBytes: number
}

/**
 * Runs an image tool on bytes that a tenant made. It sees no other process, no network and no mount
 * that is made later (namespaces of its own), has no privileges and no way to get any; memory, CPU,
 * file size and open files are bounded, its environment is empty. It may use the two files that it is
 * given and what everybody may read; formats are always given, never probed.
 */
export async function runJailed(op: Op, job: JailedJob, argv: readonly string[]): Promise<void> {
  const result = await execa('unshare', [...jailWords(job), ...argv], {
    extendEnv: false,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    cwd: '/',
    // execa takes every open descriptor; its types name the first few
    stdio: ['ignore', 'pipe', 'pipe', job.source as 3, job.target as 4],
    cancelSignal: op.signal,
    // unshare pays no heed to other signals while it waits; the tool ends with it
    killSignal: 'SIGKILL',
    forceKillAfterDelay: 500,
    timeout: 3600_000,
    maxBuffer: 64 * 1024,
    reject: false,
  })
  if (!result.failed) return
  const said = `${result.stderr ?? ''}`.trim().slice(-500)
  if (/No space left/i.test(said)) throw new DriverError('no_space', `the disk is full: ${said}`)
  if (result.isCanceled) throw new DriverError('unavailable', 'the image job was cancelled')
  throw new DriverError('invalid', `${argv[0]} refused (${result.exitCode ?? result.signal}): ${said}`)
}

function jailWords({ uid, maxFileBytes }: JailedJob): string[] {
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
    // the kernel forgets unshare's --kill-child when the user changes
    '--pdeathsig=KILL',
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--',
  ]
}
