import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'

/**
 * Something that a room knows: an expression of SQL with one JSON value, in the words of its own
 * tables, and how that value is read. What comes of several rooms is read at one moment.
 */
export type Fact<T> = { sql: Prisma.Sql; read(value: unknown): T }
type Read<Facts> = { [K in keyof Facts]: Facts[K] extends Fact<infer T> ? T : never }

/** All of them in one statement. */
export async function readFacts<Facts extends Record<string, Fact<unknown>>>(
  ctx: Ctx,
  facts: Facts,
): Promise<Read<Facts>> {
  const wanted = Object.entries(facts)
  const columns = wanted.map(([name, { sql }]) => Prisma.sql`(${sql}) AS ${Prisma.raw(`"${name}"`)}`)
  const [row = {}] = await ctx.db.$queryRaw<Record<string, unknown>[]>`SELECT ${Prisma.join(columns)}`
  return Object.fromEntries(wanted.map(([name, { read }]) => [name, read(row[name] ?? null)])) as Read<Facts>
}

/** What nothing was asked about. */
export const noFact: Fact<null> = { sql: Prisma.sql`NULL::jsonb`, read: () => null }

/** Inside a transaction rows that were looked at can be kept as they are until its end; outside there is none. */
export const held = (ctx: Ctx, lock: 'FOR SHARE' | 'FOR KEY SHARE'): Prisma.Sql =>
  ctx.db === ctx.deps.root ? Prisma.empty : Prisma.raw(lock)
