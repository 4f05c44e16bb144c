/**
 * Returns one command line of the stock `openstack` client, safe to paste into a POSIX shell: every word with anything
 * but plain characters is put into single quotes. `null` and `false` words are left out, so that callers can write
 * options with conditions. Long lines break after a backslash, but not behind the name of the program.
 */
export function shellLine(...words: (string | number | null | false | undefined)[]): string {
  const kept = words.filter((word) => word !== null && word !== false && word !== undefined)
  const text = kept.map((word) => shellWord(String(word)))
  const line = text.join(' ')
  if (line.length <= 72) return line
  return text.reduce((out, word, index) => {
    const breaks =
      (index > 1 && word.startsWith('--')) ||
      (index === text.length - 1 && !text[index - 1]?.startsWith('--'))
    return `${out}${breaks ? ' \\\n  ' : ' '}${word}`
  })
}

/** Quotes a word: 'it'\''s' for it's; plain words stay as they are, and an empty word becomes ''. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
