import { Prisma } from '@stratolith/db'
import type { Ctx } from './context.ts'

/**
 * A fact that a room knows: an SQL expression over its own tables with one JSON value, and the function that parses
 * the value. So facts of several rooms are read in one statement, at the same moment.
 */
export type Fact<T> = { sql: Prisma.Sql; read(value: unknown): T }
type Read<Facts> = { [K in keyof Facts]: Facts[K] extends Fact<infer T> ? T : never }

/** Reads all these facts in one statement. */
export async function readFacts<Facts extends Record<string, Fact<unknown>>>(
  ctx: Ctx,
  facts: Facts,
): Promise<Read<Facts>> {
  const wanted = Object.entries(facts)
  const columns = wanted.map(([name, { sql }]) => Prisma.sql`(${sql}) AS ${Prisma.raw(`"${name}"`)}`)
  const [row = {}] = await ctx.db.$queryRaw<Record<string, unknown>[]>`SELECT ${Prisma.join(columns)}`
  return Object.fromEntries(wanted.map(([name, { read }]) => [name, read(row[name] ?? null)])) as Read<Facts>
}

/** The fact for a question that is not asked: null. */
export const noFact: Fact<null> = { sql: Prisma.sql`NULL::jsonb`, read: () => null }

/** The lock clause that keeps read rows unchanged until the end of the transaction; empty outside of a transaction. */
export const held = (ctx: Ctx, lock: 'FOR SHARE' | 'FOR KEY SHARE'): Prisma.Sql =>
  ctx.db === ctx.deps.root ? Prisma.empty : Prisma.raw(lock)
