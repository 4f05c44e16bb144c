import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { root } from '../cloud/paths.ts'

/** How many characters of a program's output are kept: enough for the names and reasons of failed tests. */
const kept = 6_000

/**
 * Runs a program in the project's root and shows its output. `tail` is the end of the output, without colours and
 * without the name, because people who see only the last screen of a long run must find the failures there. With a
 * `name`, each line begins with the name, so that the lines of programs that run side by side can be told apart.
 */
export function tee(
  argv: string[],
  env: NodeJS.ProcessEnv,
  name?: string,
): Promise<{ ok: boolean; tail: string }> {
  const [file = '', ...args] = argv
  let tail = ''
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const shown = [child.stdout, child.stderr].map((from, index) => {
      const to = index === 0 ? process.stdout : process.stderr
      const lines = name === undefined ? null : wholeLines(`${name.padEnd(8)}| `)
      from.on('data', (chunk: Buffer) => {
        const text = chunk.toString()
        to.write(lines ? lines.take(text) : text)
        tail = (tail + text).slice(-kept)
      })
      return () => lines && to.write(lines.rest())
    })
    child.on('error', (error) => resolve({ ok: false, tail: error.message }))
    child.on('close', (code) => {
      for (const showRest of shown) showRest()
      resolve({ ok: code === 0, tail: stripVTControlCharacters(tail) })
    })
  })
}

/** Splits a stream of text into complete lines, each after `prefix`; an unfinished line waits for its end. */
export function wholeLines(prefix: string): { take(text: string): string; rest(): string } {
  let begun = ''
  const prefixed = (line: string) => `${prefix}${line}\n`
  return {
    take(text) {
      const lines = (begun + text).split('\n')
      begun = lines.pop() ?? ''
      return lines.map(prefixed).join('')
    },
    rest() {
      const last = begun
      begun = ''
      return last === '' ? '' : prefixed(last)
    },
  }
}
