import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import { DriverError, type DriverErrorCode } from '../errors.ts'
import type { Op } from '../op.ts'
import { runProgram } from '../programs/run.ts'
import type { PoolSpec } from './interface.ts'

/** Programs of Ceph on this host, with the settings and the key of one pool. The key is only in a file that root reads. */

export type RbdPool = Extract<PoolSpec, { driver: 'rbd' }>
/** A pool with its key. */
export type OpenPool = RbdPool & { key: string }
type Program = 'rbd' | 'rados' | 'ceph'

/** What a program of Ceph has refused. `errno` is the number of the system's error; null when it says none. */
export class CephError extends DriverError {
  readonly errno: number | null
  constructor(code: DriverErrorCode, message: string, errno: number | null) {
    super(code, message)
    this.errno = errno
  }
}
export const errnos = { noEntry: 2, busy: 16, exists: 17, notEmpty: 39, noData: 61 } as const
export const isErrno = (error: unknown, ...numbers: number[]): boolean =>
  error instanceof CephError && error.errno !== null && numbers.includes(error.errno)

/** How long Ceph's library waits for monitors and disks; by itself it would wait for five minutes, or for ever. */
const waits = { mountS: 5, monitorS: 10, diskS: 60 }
const shortMs = 60_000

/**
 * The settings for Ceph's library. `keyring` null: the program gets the key by another way. Without the empty names the
 * library writes logs and sockets into folders that are not ours.
 */
export const settings = ({ monitors }: RbdPool, keyring: string | null): string =>
  [
    '[global]',
    `mon host = ${monitors.join(',')}`,
    keyring === null ? 'keyring = /dev/null' : `keyring = ${keyring}`,
    `client mount timeout = ${waits.mountS}`,
    `rados mon op timeout = ${waits.monitorS}`,
    ...(keyring === null ? [] : [`rados osd op timeout = ${waits.diskS}`]),
    'log file =',
    'admin socket =',
    '',
  ].join('\n')

export type Ceph = {
  pool: OpenPool
  run(op: Op, program: Program, args: readonly string[], timeoutMs?: number): Promise<string>
  json<T>(
    op: Op,
    schema: z.ZodType<T>,
    program: Program,
    args: readonly string[],
    timeoutMs?: number,
  ): Promise<T>
}

/** `dir` is a folder for files of this pool; it is made. */
export function cephOf(pool: OpenPool, dir: string): Ceph {
  const files = { conf: path.join(dir, 'ceph.conf'), keyring: path.join(dir, 'keyring') }
  let prepared: Promise<void> | null = null
  async function prepare(): Promise<void> {
    // Users of guests pass the folder in which it lies.
    await mkdir(path.dirname(dir), { recursive: true, mode: 0o711 })
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await writePrivately(files.keyring, `[client.${pool.user}]\n\tkey = ${pool.key}\n`)
    await writePrivately(files.conf, settings(pool, files.keyring))
  }
  async function run(op: Op, program: Program, args: readonly string[], timeoutMs = shortMs) {
    prepared ??= prepare()
    await prepared.catch((error: unknown) => {
      prepared = null
      throw error
    })
    const ended = await runProgram(op.signal, {
      file: program,
      args: ['--conf', files.conf, '--id', pool.user, ...args],
      timeoutMs,
      maxBuffer: 64 * 1024 ** 2,
      killSignal: 'SIGKILL',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    })
    if (!ended.failed) return ended.stdout
    const what = [program, ...args.slice(0, 4)].join(' ')
    if (ended.code === 'ENOENT')
      throw new DriverError(
        'unsupported',
        `'${program}' is not installed on this host: run 'apt-get install ceph-common qemu-block-extra'.`,
      )
    if (ended.isCanceled)
      throw new DriverError('unavailable', `'${what}' was ended: its caller does not wait any longer.`)
    if (ended.timedOut)
      throw new DriverError(
        'unavailable',
        `'${what}' did not end within ${timeoutMs / 1000} s: does the Ceph cluster work?`,
      )
    // rados says some of its errors where its answers are expected.
    throw refusal(what, `${ended.stderr}\n${ended.stdout.slice(-500)}`, ended.exitCode)
  }
  return {
    pool,
    run,
    async json(op, schema, program, args, timeoutMs) {
      const text = await run(op, program, [...args, '--format', 'json'], timeoutMs)
      const { data } = schema.safeParse(parsed(text))
      if (data === undefined)
        throw new DriverError('failed', `'${program} ${args[0]}' has printed what nobody understands.`)
      return data
    },
  }
}

/** Error numbers that stand for more than a failure of this one call. */
const codes: Record<number, DriverErrorCode> = {
  2: 'not_found',
  16: 'unavailable',
  28: 'no_space',
  108: 'unavailable',
  110: 'unavailable',
  122: 'no_space',
}

function refusal(what: string, words: string, exitCode: number | undefined): CephError {
  const said = words.trim().slice(-500)
  const number = /\((\d{1,3})\) [A-Z]/.exec(said)?.[1] ?? /errno (\d{1,3})\]/.exec(said)?.[1]
  const errno = number === undefined ? (exitCode ?? null) : Number(number)
  if (/error connecting|couldn't connect|monclient/i.test(said))
    return new CephError('unavailable', `The Ceph cluster does not let this host in: ${said}`, errno)
  if (/error opening pool|pool .* not found/i.test(said))
    return new CephError('failed', `The pool cannot be opened: ${said}`, null)
  return new CephError((errno !== null && codes[errno]) || 'failed', `'${what}' failed: ${said}`, errno)
}

/** Replaces a file that only root reads. */
async function writePrivately(file: string, text: string): Promise<void> {
  await writeFile(`${file}.tmp`, text, { mode: 0o600 })
  await rename(`${file}.tmp`, file)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
