import { z } from 'zod'
import { inTurn } from '../kernel/context.ts'
import type { Call } from './operation.ts'

/** Attributes that callers invent (Keystone's "extra"): any JSON under any name, stored as it was sent. */
export type Extra = { [name: string]: Json }
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** The limit for all attributes of one thing together, in characters of JSON. */
const maxExtra = 32_768
/** The limit of depth, equal to that of bodies; the portal's door has no limit of its own. */
const maxDepth = 32
/** The schema of these attributes. It refuses values that PostgreSQL cannot store, and numbers that would be rounded. */
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
 * Reads the caller's own attributes from a body { [kind]: … }: all keys beside the known ones, and those of `texts` that
 * are empty. Texts are stored in columns, and only `extra` remembers whether an empty one was null or "".
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
/** Keys that are never extra attributes: every thing gets them from us, and "extra" itself is ignored, as in Keystone. */
const never = ['id', 'links', 'extra']

/**
 * Handles a change of the thing `:id`, whose own attributes are stored as one value, after other changes of the thing.
 * `load` is called before that as well, so that nobody who does not see the thing makes its changes wait.
 */
export const eachInTurn =
  <Before, T>(
    load: (call: Call) => Promise<Before>,
    change: (call: Call, before: Before) => Promise<T>,
  ): ((call: Call) => Promise<T>) =>
  async (call) => {
    await load(call)
    return inTurn(call.ctx, `attributes of ${call.params.id}`, async (ctx) => {
      const within = { ...call, ctx }
      return change(within, await load(within))
    })
  }

/** The attributes after a change; an empty object when the change has none. Null is a value like any other. */
export const changedExtra = (before: Extra, given: Record<string, unknown>): { extra?: Extra } =>
  Object.keys(given).length === 0 ? {} : { extra: extraInput.parse({ ...before, ...given }) }

/** A text as it was sent; for an empty text, `extra` says whether it was null or "". */
export const textOf = (name: string, text: string, extra: Extra, otherwise: string | null = '') => ({
  [name]: text !== '' ? text : Object.hasOwn(extra, name) ? extra[name] : otherwise,
})
