import { z } from 'zod'
import type { Order, Place } from './keyset.ts'

/**
 * Where a page begins, as a word for addresses: the order, the values of the row beside it, and whether the page lies
 * after or before that row. Whoever makes one up comes to another place of a list that is theirs anyway.
 */
export type Cursor = { place: Place; before: boolean }

/** The longest word that is made: names of 255 letters of four bytes each. */
export const maxCursor = 4_000
const firstYear = Date.UTC(1900, 0, 1)
const lastYear = Date.UTC(9999, 0, 1)
const text = z
  .string()
  .max(1_100)
  .regex(/^[^\0\p{Cs}]*$/u)
const value = z.union([
  text,
  z.number().min(-2_147_483_648).max(2_147_483_647),
  z.boolean(),
  z.null(),
  z.object({ at: z.int().min(firstYear).max(lastYear) }),
  z.object({ big: z.string().regex(/^-?\d{1,18}$/) }),
])
const shape = z.tuple([z.string(), z.enum(['after', 'before']), z.array(value)])

const nameOf = (order: Order): string => order.map(({ field, dir }) => `${field} ${dir}`).join(',')

export function writeCursor(order: Order, { place, before }: Cursor): string {
  const values = place.map((one): z.input<typeof value> => {
    if (one instanceof Date) return { at: one.getTime() }
    return typeof one === 'bigint' ? { big: one.toString() } : one
  })
  const said = [nameOf(order), before ? 'before' : 'after', values] satisfies z.input<typeof shape>
  return Buffer.from(JSON.stringify(said)).toString('base64url')
}

/** Null: it is no cursor of a list in this order. */
export function readCursor(order: Order, word: string): Cursor | null {
  const said = word.length <= maxCursor ? shape.safeParse(parsed(word)).data : undefined
  if (!said) return null
  const [name, side, values] = said
  if (name !== nameOf(order) || values.length !== order.length) return null
  const place = values.map((one) => {
    if (typeof one !== 'object' || one === null) return one
    return 'at' in one ? new Date(one.at) : BigInt(one.big)
  })
  return { place, before: side === 'before' }
}

function parsed(word: string): unknown {
  try {
    return JSON.parse(Buffer.from(word, 'base64url').toString('utf8'))
  } catch {
    return null
  }
}
