import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { type KeptReport, keptReport } from '@stratolith/drivers/host'
import pLimit from 'p-limit'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'
import { plainOp } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { type Heard, type Row, stateAfter, writeBeats, writeCapacities } from './beat.ts'
import { deliverKnown, deliverTo } from './documents.ts'
import { freeFenced, roomTaken } from './held.ts'
import type { HostState } from './states.ts'
import { hostEvent, hostStateEvents, stateOf } from './view.ts'

/** How often every host is asked for a report, in ms. */
const beatMs = 5_000
/** How often a beat asks a silent host: an agent that is being restarted answers within a second and was not away. */
const asks = 4
const askAgainAfterMs = 600
/** How many hosts are asked at once. A dead host takes seconds, and a beat must be in time when a hundred of a thousand hosts are dead. */
const askedAtOnce = 256
/** How long a beat waits for hosts that come back, in ms; longer work goes on beside the next beats. */
const comeBackMs = 1_000

export const hostReconcilers: Reconciler[] = [
  { name: 'hosts.heartbeat', everyMs: beatMs, run: beat },
  { name: 'hosts.counters', everyMs: 60_000, run: proveCounters },
]

type Asked = Row & { name: string; endpoint: string; state: HostState }

/** Asks every host for a report and settles its state: up, suspect or down (states.ts). */
export async function beat(ctx: Ctx): Promise<void> {
  const rows = await ctx.db.host.findMany({ orderBy: { id: 'asc' } })
  const hosts = rows.map((row): Asked => ({ ...row, state: stateOf(row) }))
  const reports = new Map<string, KeptReport | null>()
  await pLimit(askedAtOnce).map(hosts, async (host) => reports.set(host.id, await ask(ctx, host)))
  const heard = new Map((await writeBeats(ctx, reports)).map((one) => [one.hostId, one]))
  const told = [...heard.values()].filter((one) => one.changed).map((one) => one.hostId)
  for (const id of new Set([...told, ...(await writeCapacities(ctx, hosts, reports))]))
    await alone(ctx, id, () => hostEvent(ctx, id, 'updated'))
  const back: Promise<void>[] = []
  for (const host of hosts) {
    const its = heard.get(host.id)
    if (!its) continue // The host was deleted meanwhile.
    if (isBack(host, its)) back.push(alone(ctx, host.id, () => comeBack(ctx, host)))
    else await alone(ctx, host.id, () => settle(ctx, host, stateAfter(host.state, its)))
  }
  await Promise.race([Promise.all(back), sleep(comeBackMs, undefined, { ref: false })])
}

/** Runs work about one host; a failure is logged and does not affect the other hosts. */
async function alone(ctx: Ctx, hostId: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    ctx.log.warn({ err: error, hostId }, 'what is known of a host could not be written down')
  }
}

/**
 * Asks a host for its report; null when several calls within the beat get no answer (for a host that is given up, one
 * call). A report that cannot be parsed counts as no answer, because one statement writes the reports of all hosts.
 */
async function ask(ctx: Ctx, { name, endpoint, state }: Asked): Promise<KeptReport | null> {
  const op = plainOp(ctx, beatMs - 1_000)
  const isGivenUp = state === 'down' || state === 'fenced'
  for (let left = isGivenUp ? 0 : asks - 1; ; left--) {
    try {
      const { data, error } = keptReport.safeParse(await ctx.deps.hosts.at(endpoint).report(op))
      if (error) ctx.log.warn({ err: error, host: name }, 'what a host tells of itself cannot be read')
      return data ?? null
    } catch (error) {
      if (left === 0 || op.signal.aborted) {
        if (!isGivenUp) ctx.log.warn({ err: error, host: name }, whyNoReport(error))
        return null
      }
      await sleep(askAgainAfterMs)
    }
  }
}

/** The line of the log: a silent agent must be started, but an agent with a bad report must be examined. */
const whyNoReport = (error: unknown): string =>
  error instanceof DriverError && error.isAnswer
    ? 'host answers, but with no report that can be read'
    : 'host does not answer'

async function settle(ctx: Ctx, { id, state: before }: Asked, state: HostState): Promise<void> {
  if (state === before) return
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.host.updateMany({ where: { id, state: before }, data: { state } })
    if (count === 0) return
    tx.log.warn({ hostId: id, state, before }, 'host changed its state')
    await hostStateEvents(tx, id)
  })
}

const isBack = ({ state }: Asked, { missed }: Heard) => missed === 0 && state !== 'up'

/** The ids of hosts that are coming back, which may take longer than a beat. */
const comingBack = new Set<string>()

/**
 * Brings back a host that was given up. The host may still have things that were deleted meanwhile, and addresses of a
 * fenced host may belong to others. So the host is first told what it has to release, and then everything
 * else that it has missed.
 */
async function comeBack(ctx: Ctx, host: Asked): Promise<void> {
  if (comingBack.has(host.id)) return
  comingBack.add(host.id)
  const isFenced = host.state === 'fenced'
  try {
    if (host.state !== 'suspect') await deliverKnown(ctx, host.id)
    if (!isFenced) await settle(ctx, host, 'up')
  } catch (error) {
    ctx.log.warn({ err: error, host: host.name }, 'a host that is back could not be told what is to be gone')
    return
  } finally {
    comingBack.delete(host.id)
  }
  // The host may have been fenced meanwhile; then it gets nothing new.
  if (await ctx.db.host.findFirst({ where: { id: host.id, state: 'up' }, select: { id: true } }))
    await deliverTo(ctx, host.id)
}

/** Compares the counters of hosts with their instances and held room, and corrects them. */
export async function proveCounters(ctx: Ctx): Promise<void> {
  await freeFenced(ctx)
  const suspects = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT h."id"::text AS "id" FROM "Host" h LEFT JOIN (
      SELECT "hostId", sum("vcpus") AS v, sum("memoryMib") AS m, sum("diskGib") AS d
      FROM ${roomTaken()} t GROUP BY "hostId") i ON i."hostId" = h."id"
    WHERE (h."vcpusUsed", h."memoryMibUsed", h."diskGibUsed")
      IS DISTINCT FROM (COALESCE(i.v, 0), COALESCE(i.m, 0), COALESCE(i.d, 0))`
  for (const { id } of suspects) await alone(ctx, id, () => correct(ctx, id))
}

/**
 * Corrects the counters of a host. A claim changes the host's row in the same transaction as the instance's row. With
 * the host's row locked no claim is half done, and the next statement sees every committed instance.
 */
async function correct(ctx: Ctx, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "id" = ${id}::uuid FOR UPDATE`
    const [proven] = await tx.db.$queryRaw<
      { vcpusUsed: number; memoryMibUsed: number; diskGibUsed: number }[]
    >`
      SELECT COALESCE(sum("vcpus"), 0)::int AS "vcpusUsed", COALESCE(sum("memoryMib"), 0)::int AS "memoryMibUsed",
        COALESCE(sum("diskGib"), 0)::int AS "diskGibUsed" FROM ${roomTaken()} t WHERE "hostId" = ${id}::uuid`
    invariant(proven, 'a sum without a row')
    const before = await tx.db.host.findFirst({ where: { id, NOT: proven } })
    if (!before) return // The counters are right: the difference was a claim in progress.
    await tx.db.host.update({ where: { id }, data: proven })
    const { vcpusUsed, memoryMibUsed, diskGibUsed } = before
    tx.log.warn(
      { hostId: id, proven, before: { vcpusUsed, memoryMibUsed, diskGibUsed } },
      'counters corrected',
    )
    await hostEvent(tx, id, 'updated')
  })
}
