import { execa } from 'execa'
import type { Ended, Program } from './messages.ts'

/** Does the same as runProgram (run.ts) with a child of this very process: for outputs that are too big to copy between processes. */
export async function execute(signal: AbortSignal, program: Program): Promise<Ended> {
  const { file, args, input = '', cwd = '/', env, timeoutMs: timeout, maxBuffer, killSignal } = program
  const result = await execa(file, args, {
    input,
    cwd,
    env,
    extendEnv: false,
    timeout,
    maxBuffer,
    cancelSignal: signal,
    reject: false,
    ...(killSignal && { killSignal }),
  })
  const { failed, stdout, stderr, exitCode, code, isCanceled, timedOut, isMaxBuffer } = result
  return { failed, stdout, stderr, exitCode, signal: result.signal, code, isCanceled, timedOut, isMaxBuffer }
}
