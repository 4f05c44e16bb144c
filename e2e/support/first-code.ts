import { gzipSync } from 'node:zlib'
import type { APIRequestContext } from '@playwright/test'

/** The most that a page's HTML may make a browser load of JavaScript, in kilobytes (1,000 bytes) after gzip. */
export const mostFirstCode = 250

/** Scripts have the hash of their content in their names, so each is fetched once. */
const known = new Map<string, number>()

/** The size of all scripts that a page's HTML names, each fetched and compressed here (gzip, level 6). */
export async function firstCode(
  request: APIRequestContext,
  html: string,
): Promise<{ kilobytes: number; count: number }> {
  const names = new Set([...html.matchAll(/<script[^>]+src="([^"]+\.js[^"]*)"([^>]*)>/g)].flatMap(source))
  let bytes = 0
  for (const name of names) {
    const size = known.get(name) ?? gzipSync(await (await request.get(name)).body(), { level: 6 }).length
    known.set(name, size)
    bytes += size
  }
  return { kilobytes: bytes / 1000, count: names.size }
}

/** The address of a script; none for polyfills for old browsers (noModule), which Chromium does not load. */
function source([tag, src = '']: RegExpMatchArray): string[] {
  return /\bnomodule\b/i.test(tag) ? [] : [src.replaceAll('&amp;', '&')]
}
