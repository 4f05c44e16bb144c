/** Facts that a view depends on beside the thing that is shown. */
export type At = {
  minor: number
  /** Beginning of links with the version: "http://cloud/compute/v2.1" (with the project when the request had it). */
  self: string
  /** Beginning of links without the version: "http://cloud/compute". */
  bookmark: string
  admin: boolean
}

/** One key of a body, the minor microversions (both included) that have the key, and its value. */
export type Field<Source> = {
  name: string
  since?: number
  until?: number
  /** Returns the value; undefined leaves the key out. */
  of: (source: Source, at: At) => unknown
}

/** Makes the body at a microversion: exactly the fields that the version documents, in their order. */
export function shape<Source>(
  fields: readonly Field<Source>[],
  source: Source,
  at: At,
): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const { name, since = 0, until = Infinity, of } of fields) {
    if (at.minor < since || at.minor > until) continue
    const value = of(source, at)
    if (value !== undefined) body[name] = value
  }
  return body
}

/** Returns both links of a thing, for example of "flavors/1". */
export const links = ({ self, bookmark }: At, path: string) => [
  { rel: 'self', href: `${self}/${path}` },
  { rel: 'bookmark', href: `${bookmark}/${path}` },
]

/** "2026-11-21T03:24:09Z" */
export const seconds = (iso: Date | string): string => `${new Date(iso).toISOString().slice(0, 19)}Z`
/** "2026-11-21T03:24:11.000000": microseconds, no zone; null stays. */
export const micros = (iso: Date | string | null): string | null =>
  iso === null ? null : new Date(iso).toISOString().replace('Z', '000')
