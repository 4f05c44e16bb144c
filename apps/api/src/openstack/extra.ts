import { z } from 'zod'

/** Attributes of the caller's own (Keystone's "extra"): any JSON under any name, kept as it was sent. */
export type Extra = { [name: string]: Json }
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Characters of JSON; all of the attributes of one thing together. */
const maxExtra = 32_768
/** As deep as a body may be; the portal's door has no such bound of its own. */
const maxDepth = 32
/** For what PostgreSQL cannot hold, and numbers that would come back as others, a 400. */
export const extraInput = z
  .record(z.string(), z.custom<Json>())
  .refine((extra) => isKeptExactly(extra), {
    error:
      'Attributes of your own have no NUL characters, no halves of surrogate pairs, no numbers beyond ±9007199254740991, and 32 levels at most.',
    abort: true,
  })
  .refine(
    (extra) => JSON.stringify(extra).length <= maxExtra,
    `Attributes of your own have at most ${maxExtra} characters of JSON together. Send less.`,
  )

function isKeptExactly(value: unknown, depth = 0): boolean {
  if (depth > maxDepth) return false
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value === 'number')
    return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value))
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isKeptExactly(key) && isKeptExactly(inner, depth + 1))
}

/**
 * The caller's own attributes in a body as it was sent, { [kind]: … }: whatever it has beside the known
 * keys, and of `texts` those that say nothing: we keep texts in columns, and null and "" are told apart here.
 */
export function extraOf(
  body: unknown,
  kind: string,
  known: readonly string[],
  texts: readonly string[] = [],
): Record<string, unknown> {
  const sent = (body as Record<string, object>)[kind] ?? {}
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  return Object.fromEntries(
    Object.entries(sent).filter(
      ([key, value]) =>
        !never.includes(key) && (!known.includes(key) || (texts.includes(key) && !isText(value))),
    ),
  )
}
/** What everything has from us; "extra" itself is nothing, as in Keystone. */
const never = ['id', 'links', 'extra']

/** The attributes after a change; nothing when it is not about them. Null is a value like the others. */
export const changedExtra = (before: Extra, given: Record<string, unknown>): { extra?: Extra } =>
  Object.keys(given).length === 0 ? {} : { extra: extraInput.parse({ ...before, ...given }) }

/** A text as it was sent: of one that says nothing, `extra` knows how it was written. */
export const textOf = (name: string, text: string, extra: Extra, otherwise: string | null = '') => ({
  [name]: text !== '' ? text : Object.hasOwn(extra, name) ? extra[name] : otherwise,
})
