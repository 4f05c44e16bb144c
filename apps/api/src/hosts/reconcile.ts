import { setTimeout as sleep } from 'node:timers/promises'
import { type Ctx, type Deps, inTransaction } from '../kernel/context.ts'
import { eachOfMany, plainOp } from '../kernel/hosts.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { refreshEgress } from './egress.ts'
import { hostEvent } from './service.ts'

/** How often every host is asked, and after how much silence it counts as down: two missed beats. */
const beatMs = 5_000
const deadAfterMs = 12_000
/** A beat asks again: an agent that is started anew answers within a second, and did not go away. */
const asks = 4
const askAgainAfterMs = 600
/** Dead ones take seconds each: of a thousand hosts a hundred may be dead and the beat is still in time. */
const askedAtOnce = 256
/** Beats missed in a row while this process looked: it may have been away itself, and lastSeenAt be old. */
const missed = new WeakMap<Deps, Map<string, number>>()

defineReconciler({ name: 'hosts.heartbeat', everyMs: beatMs, run: beat })
defineReconciler({ name: 'hosts.counters', everyMs: 60_000, run: proveCounters })
defineReconciler({ name: 'hosts.egress', everyMs: 60_000, run: refreshEgress })

/** Asks every host; one that does not answer for a while is down until it answers again. */
export async function beat(ctx: Ctx): Promise<void> {
  const hosts = await ctx.db.host.findMany({ select: { id: true, name: true, endpoint: true, state: true } })
  const seen: string[] = []
  await eachOfMany(hosts, askedAtOnce, async (host) => {
    try {
      await ask(ctx, host.endpoint)
      seen.push(host.id)
    } catch (error) {
      ctx.log.warn({ err: error, host: host.name }, 'host does not answer')
    }
  })
  // In the order in which launches lock them.
  await ctx.db.$executeRaw`
    WITH seen AS (SELECT "id" FROM "Host" WHERE "id" = ANY(${seen}::uuid[]) ORDER BY "id" FOR NO KEY UPDATE)
    UPDATE "Host" SET "lastSeenAt" = now() FROM seen WHERE "Host"."id" = seen."id"`
  const before = missed.get(ctx.deps)
  const now = new Map(hosts.map(({ id }) => [id, seen.includes(id) ? 0 : (before?.get(id) ?? 0) + 1]))
  missed.set(ctx.deps, now)
  for (const { id, state } of hosts) {
    const misses = now.get(id) ?? 0
    if (misses === 0 && state !== 'up') await settle(ctx, id, 'up')
    if (misses >= 2 && state === 'up') await settle(ctx, id, 'down')
  }
}

/** Throws the last refusal when none of some calls in a row, all within one beat, is answered. */
async function ask(ctx: Ctx, endpoint: string): Promise<void> {
  const op = plainOp(ctx, beatMs - 1_000)
  for (let left = asks - 1; ; left--) {
    try {
      await ctx.deps.hosts.at(endpoint).hypervisor.probe(op)
      return
    } catch (error) {
      if (left === 0 || op.signal.aborted) throw error
      await sleep(askAgainAfterMs)
    }
  }
}

async function settle(ctx: Ctx, id: string, state: 'up' | 'down'): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const silent = { OR: [{ lastSeenAt: null }, { lastSeenAt: { lt: new Date(Date.now() - deadAfterMs) } }] }
    const { count } = await tx.db.host.updateMany({
      where: { id, state: { not: state }, ...(state === 'down' ? silent : {}) },
      data: { state },
    })
    if (count === 0) return
    tx.log.warn({ hostId: id, state }, 'host changed its state')
    await hostEvent(tx, id, 'updated')
  })
}

/** Proves what hosts have given out against the instances that are there, and corrects it. */
export async function proveCounters(ctx: Ctx): Promise<void> {
  const suspects = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT h."id"::text AS "id" FROM "Host" h LEFT JOIN (
      SELECT "hostId", sum("vcpus") AS v, sum("memoryMib") AS m, sum("diskGib") AS d
      FROM "Instance" WHERE "vmState" <> 'deleted' GROUP BY "hostId") i ON i."hostId" = h."id"
    WHERE (h."vcpusUsed", h."memoryMibUsed", h."diskGibUsed")
      IS DISTINCT FROM (COALESCE(i.v, 0), COALESCE(i.m, 0), COALESCE(i.d, 0))`
  for (const { id } of suspects) await correct(ctx, id)
}

/**
 * Claims change the host's row in the transaction of the instance's. With the row locked nobody
 * is between the two, and the next statement sees every instance that was committed before.
 */
async function correct(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "id" = ${id}::uuid FOR UPDATE`
    const { _sum: sum } = await tx.db.instance.aggregate({
      where: { hostId: id, vmState: { not: 'deleted' } },
      _sum: { vcpus: true, memoryMib: true, diskGib: true },
    })
    const proven = {
      vcpusUsed: sum.vcpus ?? 0,
      memoryMibUsed: sum.memoryMib ?? 0,
      diskGibUsed: sum.diskGib ?? 0,
    }
    const before = await tx.db.host.findFirst({ where: { id, NOT: proven } })
    if (!before) return // somebody was in the middle of it
    await tx.db.host.update({ where: { id }, data: proven })
    const { vcpusUsed, memoryMibUsed, diskGibUsed } = before
    tx.log.warn(
      { hostId: id, proven, before: { vcpusUsed, memoryMibUsed, diskGibUsed } },
      'counters corrected',
    )
    await hostEvent(tx, id, 'updated')
  })
}
