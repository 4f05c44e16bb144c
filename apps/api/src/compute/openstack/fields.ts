import { isAdmin } from '../../kernel/context.ts'
import type { Call } from '../../openstack/operation.ts'

/** What a view depends on beside the thing itself. */
export type At = {
  minor: number
  /** Of the links that say their version: "http://cloud/compute/v2.1" (with the project when it was asked so). */
  self: string
  /** Of the links that do not: "http://cloud/compute". */
  bookmark: string
  admin: boolean
}

/** One key of a body: in which minor microversions (both included) it is there, and what it says. */
export type Field<Source> = {
  name: string
  since?: number
  until?: number
  /** undefined leaves the key out. */
  of: (source: Source, at: At) => unknown
}

/** The body at a microversion: exactly the fields that it documents, in their order. */
export function shape<Source>(
  fields: readonly Field<Source>[],
  source: Source,
  at: At,
): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const { name, since = 1, until = Infinity, of } of fields) {
    if (at.minor < since || at.minor > until) continue
    const value = of(source, at)
    if (value !== undefined) body[name] = value
  }
  return body
}

/** Reads the version and the project out of the request's own path, as Nova's links repeat them. */
export function at({ ctx, deps, params, minor, request }: Call): At {
  const version = /^\/compute\/(v2(?:\.1)?)(?:\/|\?|$)/.exec(request.url)?.[1] ?? 'v2.1'
  const project = params.project_id === undefined ? '' : `/${params.project_id}`
  const bookmark = `${deps.config.publicUrl}/compute`
  return {
    minor,
    self: `${bookmark}/${version}${project}`,
    bookmark: bookmark + project,
    admin: isAdmin(ctx),
  }
}

/** "flavors/1" → both links of a thing. */
export const links = ({ self, bookmark }: At, path: string) => [
  { rel: 'self', href: `${self}/${path}` },
  { rel: 'bookmark', href: `${bookmark}/${path}` },
]
export const bookmarkOnly = ({ bookmark }: At, path: string) => [
  { rel: 'bookmark', href: `${bookmark}/${path}` },
]

/** "2026-11-21T03:24:09Z" */
export const seconds = (iso: Date | string): string => `${new Date(iso).toISOString().slice(0, 19)}Z`
/** "2026-11-21T03:24:11.000000": microseconds, no zone; null stays. */
export const micros = (iso: Date | string | null): string | null =>
  iso === null ? null : new Date(iso).toISOString().replace('Z', '000')
