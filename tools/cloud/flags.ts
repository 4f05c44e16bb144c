import { parseArgs } from 'node:util'
import { nearest } from './nearest.ts'

export type FlagKinds = Readonly<Record<string, 'boolean' | 'string'>>
type Values = Readonly<Record<string, string | true>>

/**
 * Parses the flags and other words of a command; throws one sentence for an unknown one. `usage` shows how
 * the command is typed, with a dash for each flag.
 */
export function readFlags(
  usage: string,
  args: readonly string[],
  flags: FlagKinds,
): { values: Values; words: string[] } {
  const options = Object.fromEntries(Object.entries(flags).map(([name, type]) => [name, { type }]))
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values: Record<string, string | true> = {}
  const words: string[] = []
  const wrong = (sentence: string) => new Error(`${sentence} Type: ${usage}`)
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const kind = flags[name]
    const like = nearest(
      rawName,
      Object.keys(flags).map((known) => `--${known}`),
    )
    if (kind === undefined)
      throw wrong(`There is no flag ${rawName} here${like ? `; did you mean ${like}?` : '.'}`)
    if (kind === 'string' && (value === undefined || value === '')) throw wrong(`${rawName} needs a value.`)
    if (kind === 'boolean' && value !== undefined) throw wrong(`${rawName} takes no value.`)
    values[name] = value ?? true
  }
  return { values, words }
}
