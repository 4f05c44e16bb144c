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
 * Makes a function that does `work` for one item, together with the items of other callers that came while the previous
 * work was under way: a single call begins at once, and under load many calls share its statements. `work` gets at most
 * `most` items and returns their results in the same order. It runs with the rights of the system, not of a caller. When
 * it throws, it is repeated for each item alone, so that only the caller of the faulty item gets the error; when the
 * database does not answer, all callers get the error.
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
  // Calls of the same moment are added to the queue before the work begins.
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
 * Makes a function that reads the rows of one key (such as a host), together with those of other keys that are asked for
 * at the same time. The rows of a key come as one JSON text, because reading them one by one takes ten times as long.
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

/** Makes a function that returns which of these ids exist, in one query for all callers of the same time. */
export function among(
  read: (ctx: Ctx, ids: readonly string[]) => Promise<readonly { id: string }[]>,
): (ctx: Ctx, ids: readonly string[]) => Promise<Set<string>> {
  return gathered(mostRead, async (ctx, asked: readonly (readonly string[])[]) => {
    const ids = [...new Set(asked.flat())]
    const there = new Set((ids.length === 0 ? [] : await read(ctx, ids)).map((row) => row.id))
    return asked.map((list) => new Set(list.filter((id) => there.has(id))))
  })
}
/** How many keys share one query: a host with a hundred guests has some hundred rows, so the answer is a few megabytes. */
const mostRead = 64

const isUuid = z.uuid()
/** The ids that are UUIDs. Other ids have no row, and would make the shared query fail. */
export const uuids = (ids: readonly string[]): string[] => ids.filter((id) => isUuid.safeParse(id).success)
