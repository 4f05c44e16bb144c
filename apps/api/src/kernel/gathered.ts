import type { PrismaClient } from '@stratolith/db'
import type { Ctx } from './context.ts'
import { invariant } from './errors.ts'

type Waiting<In, Out> = { item: In; resolve(value: Out): void; reject(error: unknown): void }
type Queue<In, Out> = { waiting: Waiting<In, Out>[]; isBusy: boolean }

/**
 * `work` for one item, which is done together with all that others ask for while it is under way: alone it
 * begins at once, and under load many share its statements. At most `most` together; it returns what came of
 * each, in their order, and what it throws is thrown to all of them.
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
      if (!queue.isBusy) void drain(ctx, queue, most, work)
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
    const turn = queue.waiting.splice(0, most)
    try {
      const results = await work(
        ctx,
        turn.map(({ item }) => item),
      )
      invariant(results.length === turn.length, 'each item has its result')
      for (const [at, { resolve }] of turn.entries()) resolve(results[at] as Out)
    } catch (error) {
      for (const { reject } of turn) reject(error)
    }
  }
  queue.isBusy = false
}
