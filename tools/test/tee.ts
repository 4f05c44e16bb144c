import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { root } from '../cloud/paths.ts'

/** What is kept of a program's output: enough for the failed tests' names and reasons. */
const kept = 6_000

/**
 * Runs a program in the project's root and shows what it prints. `tail` is the end of that, without
 * colours: who sees only the last screen of a long run must find there what failed.
 */
export function tee(argv: string[], env: NodeJS.ProcessEnv): Promise<{ ok: boolean; tail: string }> {
  const [file = '', ...args] = argv
  let tail = ''
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const show = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
      to.write(chunk)
      tail = (tail + chunk.toString()).slice(-kept)
    }
    child.stdout.on('data', show(process.stdout))
    child.stderr.on('data', show(process.stderr))
    child.on('error', (error) => resolve({ ok: false, tail: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, tail: stripVTControlCharacters(tail) }))
  })
}
