import type { Finding, SourceFile } from './tree.ts'

/** Migrations that have landed never change, so their comments stay, too. */
const frozen = /^prisma\/migrations\//

const isComment = /^\s*(\/\/|\/?\*|--)/
const person = /\b(he|him|his|himself|she|her|hers|herself)\b/i
const riddle = /^\s*(\/\/+|\/?\*+|--)\s*(Nor |The same, where )/

/**
 * Finds comments that a stranger cannot read alone: a person is `they`, and a comment does not begin as the second
 * half of another sentence. Only lines that begin as a comment count, so that no text of the code is a false alarm.
 */
export function wordFaults(files: readonly SourceFile[]): Finding[] {
  return files.filter(({ path }) => !frozen.test(path)).flatMap(faultsIn)
}

function faultsIn({ path, text }: SourceFile): Finding[] {
  return text.split('\n').flatMap((line, index): Finding[] => {
    if (!isComment.test(line)) return []
    const word = person.exec(line)?.[0]
    if (word) return [{ path, line: index + 1, message: `“${word}” in a comment; a person is “they”` }]
    if (riddle.test(line))
      return [{ path, line: index + 1, message: 'a comment begins as half of another sentence' }]
    return []
  })
}
