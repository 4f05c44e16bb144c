/**
 * The name of `known` that a person may have meant: the one that shares the most words and then differs in the fewest
 * letters. Null when no name shares a word.
 */
export function nearest(name: string, known: readonly string[]): string | null {
  const words = wordsOf(name)
  const ranked = known.map((one) => {
    const others = wordsOf(one)
    const shared = others.filter((word) => words.includes(word)).length
    return {
      one,
      shared: shared / (words.length + others.length - shared),
      distance: distanceOf(name, one),
    }
  })
  ranked.sort((a, b) => b.shared - a.shared || a.distance - b.distance)
  const [best] = ranked
  return best && (best.shared > 0 || best.distance <= name.length / 2) ? best.one : null
}

const wordsOf = (text: string) => [...new Set(text.split(/[_-]+/))].filter((word) => word !== '')

/** The Levenshtein distance: how many letters must be added, removed or changed. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const changed = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, changed))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
