import type { Prisma, PrismaClient } from '@stratolith/db'
import { z } from 'zod'
import { asSystem, type Ctx } from './context.ts'
import { databaseRefusal } from './database-errors.ts'
import { CloudError, invariant } from './errors.ts'

const isAway = (error: unknown) =>
  (error instanceof CloudError ? error : databaseRefusal(error))?.code === 'unavailable'

type Waiting<In, Out> = { item: In; resolve(value: Out): void; reject(error: unknown): void }
type Queue<In, Out> = { waiting: Waiting<In, Out>[]; isBusy: boolean }

/**
 * `work` for one item, which is done together with all that others ask for while it is under way: alone it
 * begins at once, and under load many share its statements. At most `most` together; it returns what came of
 * each, in their order. It is the cloud's work, in the name of none of them. When it throws, each is done
 * alone, so that it is thrown to whoever is the cause; a database that does not answer is everybody's.
 */
export function gathered<In, Out>(
  most: number,
  work: (ctx: Ctx, items: readonly In[]) => Promise<readonly Out[]>,
): (ctx: Ctx, item: In) => Promise<Out> {
  const queues = new WeakMap<PrismaClient, Queue<In, Out>>()
  return (ctx, item) =>
    new Promise<Out>((resolve, reject) => {
      const queue = queues.get(ctx.deps.root) ?? { waiting: [], isBusy: false }
      queues.set(ctx.deps.root, queue)
      queue.waiting.push({ item, resolve, reject })
      if (!queue.isBusy) void drain(asSystem(ctx, 'gathered'), queue, most, work)
    })
}

async function drain<In, Out>(
  ctx: Ctx,
  queue: Queue<In, Out>,
  most: number,
  work: (ctx: Ctx, items: readonly In[]) => Promise<readonly Out[]>,
): Promise<void> {
  queue.isBusy = true
  // Whoever asks in the same moment comes along.
  await Promise.resolve()
  while (queue.waiting.length > 0) {
    await settle(ctx, queue.waiting.splice(0, most), work)
  }
  queue.isBusy = false
}

async function settle<In, Out>(
  ctx: Ctx,
  turn: readonly Waiting<In, Out>[],
  work: (ctx: Ctx, items: readonly In[]) => Promise<readonly Out[]>,
): Promise<void> {
  try {
    const results = await work(
      ctx,
      turn.map(({ item }) => item),
    )
    invariant(results.length === turn.length, 'each item has its result')
    for (const [at, { resolve }] of turn.entries()) resolve(results[at] as Out)
  } catch (error) {
    if (turn.length === 1 || isAway(error)) for (const { reject } of turn) reject(error)
    else for (const one of turn) await settle(ctx, [one], work)
  }
}

/**
 * The rows of one (a host, say), read with those of all that are asked for at the same time: as one JSON text
 * each, because row by row takes ten times as long.
 */
export function rowsOf<Row>(
  read: (keys: readonly string[]) => { key: Prisma.Sql; row: Prisma.Sql; from: Prisma.Sql },
): (ctx: Ctx, of: string) => Promise<readonly Row[]> {
  return gathered(mostRead, async ({ deps }, keys: readonly string[]) => {
    const { key, row, from } = read([...new Set(keys)])
    const found = await deps.root.$queryRaw<{ key: string; rows: Row[] }[]>`
      SELECT ${key}::text AS "key", json_agg(json_build_object(${row})) AS "rows" FROM ${from} GROUP BY ${key}`
    const rows = new Map(found.map((one) => [one.key, one.rows]))
    return keys.map((one) => rows.get(one) ?? [])
  })
}

/** Which of these are there, asked with those of all that ask at the same time. */
export function among(
  read: (ctx: Ctx, ids: readonly string[]) => Promise<readonly { id: string }[]>,
): (ctx: Ctx, ids: readonly string[]) => Promise<Set<string>> {
  return gathered(mostRead, async (ctx, asked: readonly (readonly string[])[]) => {
    const ids = [...new Set(asked.flat())]
    const there = new Set((ids.length === 0 ? [] : await read(ctx, ids)).map((row) => row.id))
    return asked.map((list) => new Set(list.filter((id) => there.has(id))))
  })
}
/** Of a host with a hundred guests some hundred rows are read: together they are a few megabytes. */
const mostRead = 64

const isUuid = z.uuid()
/** What is not even an id of ours has no row, and would fail the query of all. */
export const uuids = (ids: readonly string[]): string[] => ids.filter((id) => isUuid.safeParse(id).success)
