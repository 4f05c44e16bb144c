import { execa } from 'execa'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'

export type JailUser = { uid: number; gid: number }
/** Bounds of one image job; generous for real images, small for bombs (catalogue A02). */
const limits = { addressSpace: 4 * 1024 ** 3, cpuSeconds: 1800, openFiles: 64 }

/**
 * Runs an image tool on bytes that a tenant made: no network (own namespace), no privileges, no
 * way to get any, memory, CPU, file size and open files bounded, empty environment. The files it
 * may touch are those that the jail user owns or reads; formats are always given, never probed.
 */
export async function runJailed(
  op: Op,
  user: JailUser,
  argv: readonly string[],
  maxFileBytes: number,
): Promise<void> {
  const result = await execa(
    'unshare',
    [
      '--net',
      '--ipc',
      '--',
      'prlimit',
      `--as=${limits.addressSpace}`,
      `--cpu=${limits.cpuSeconds}`,
      `--nofile=${limits.openFiles}`,
      `--fsize=${maxFileBytes}`,
      '--core=0',
      '--',
      'setpriv',
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set=-all',
      '--inh-caps=-all',
      '--',
      ...argv,
    ],
    {
      extendEnv: false,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      cwd: '/',
      stdin: 'ignore',
      cancelSignal: op.signal,
      timeout: 3600_000,
      maxBuffer: 64 * 1024,
      reject: false,
    },
  )
  if (!result.failed) return
  const said = `${result.stderr ?? ''}`.trim().slice(-500)
  if (/No space left/i.test(said)) throw new DriverError('no_space', `the disk is full: ${said}`)
  if (result.isCanceled) throw new DriverError('unavailable', 'the image job was cancelled')
  throw new DriverError('invalid', `${argv[0]} refused (${result.exitCode ?? result.signal}): ${said}`)
}
