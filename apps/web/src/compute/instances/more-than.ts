/** Returns what a detail says beyond its message; null when it only says the same again. */
export function moreThan(message: string, detail: string | null): string | null {
  const text = detail?.trim() ?? ''
  const bare = (words: string) =>
    words
      .replaceAll(/[\s.]+/g, ' ')
      .trim()
      .toLowerCase()
  if (bare(text) === '' || bare(message).includes(bare(text))) return null
  return text.startsWith(message) ? text.slice(message.length).trim() : text
}
