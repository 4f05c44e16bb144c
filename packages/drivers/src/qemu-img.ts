import { DriverError } from './errors.ts'
import type { Op } from './op.ts'
import { runProgram } from './programs/run.ts'

/**
 * Runs qemu-img on new files that we make ourselves. A file that a tenant or a guest may have written is only processed
 * in the jail (storage/jail.ts).
 */
export async function qemuImg(op: Op, args: readonly string[]): Promise<void> {
  const result = await runProgram(op.signal, {
    file: 'qemu-img',
    args,
    timeoutMs: 600_000,
    maxBuffer: 64 * 1024,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  })
  if (!result.failed) return
  const said = result.stderr.slice(-500)
  if (/No space left/i.test(said)) throw new DriverError('no_space', 'the disk is full')
  throw new DriverError('failed', `qemu-img ${args[0]}: ${said}`)
}
