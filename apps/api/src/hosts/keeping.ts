import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { appendEvent } from '../kernel/events.ts'
import { gathered } from '../kernel/gathered.ts'
import type { StrayKind } from './contract.ts'

/**
 * This file decides what reconcilers may remove. A thing is removed from a host for one of two reasons: its row was
 * deleted (`buried`), or no row has known the thing for `config.keepUnknownMs` (or an administrator has decided
 * that it may go). Any other thing that no row knows is a stray: it is left alone and shown.
 */
export type Found = { id: string; facts?: Prisma.InputJsonObject }
export type Look = {
  /** The id of the host; "" is the image store of the cloud. */
  hostId: string
  kind: StrayKind
  /** All things of this kind on the host. */
  found: readonly Found[]
  /** The ids of things that belong there by their row, or on which an operation works. */
  known: ReadonlySet<string>
  /** The ids of things that were deleted (kernel/tombstones.ts). */
  buried: ReadonlySet<string>
  /** Checks again right before a thing is removed, because it may have got a row or an operation since. */
  isKnown: (id: string) => Promise<boolean>
  /** The ids that must stay in this round, because something still uses them. */
  held?: ReadonlySet<string>
  /** The ids that go with a thing that was removed in this round. The brake that let the thing pass lets them pass, too. */
  follows?: ReadonlySet<string>
  /** True when nobody loses data by a removal: then deleted things are removed without the brake, however many they are. */
  unbraked?: boolean
  /** True when `found` may be incomplete, because a host did not answer: then a record of a stray is not dropped for being absent. */
  partial?: boolean
}
export type Doomed = { id: string; why: 'deleted' | 'unknown' }

/** `remove` resolves to this when a part of the thing is still there: the next round tries again. */
export const kept = 'kept'

/** The `hostId` that stands for the image store. */
export const imageStorePlace = ''

/**
 * Runs one round: records strays, applies the brake (a round that would remove more than max(3, a
 * tenth) of a kind removes nothing until an administrator releases it), and calls `remove` for each thing that
 * may go. A failed removal is logged and does not stop the others. Returns the ids of the removed things.
 */
export async function sweep(
  ctx: Ctx,
  look: Look,
  remove: (doomed: Doomed) => Promise<unknown>,
): Promise<Set<string>> {
  const { hostId, kind } = look
  const gone = new Set<string>()
  for (const doomed of await toRemove(ctx, look)) {
    try {
      if (!(await stillDoomed(ctx, look, doomed)) || (await remove(doomed)) === kept) continue
      ctx.log.warn({ hostId, kind, ...doomed }, 'removed what has no row')
      gone.add(doomed.id)
    } catch (error) {
      ctx.log.warn({ err: error, hostId, kind, ...doomed }, 'could not be removed')
    }
  }
  if (gone.size > 0) {
    await ctx.db.stray.deleteMany({ where: { hostId, kind, thing: { in: [...gone] } } })
    await placeEvent(ctx, hostId, { removed: kind, count: gone.size })
  }
  return gone
}

/**
 * True when the thing may still be removed. An administrator may have adopted or kept a stray since the round began;
 * that is noticed here. From here on loadStray refuses to adopt or keep the stray.
 */
async function stillDoomed(ctx: Ctx, look: Look, { id, why }: Doomed): Promise<boolean> {
  if (await look.isKnown(id)) return false
  if (why === 'deleted') return true
  const { hostId, kind } = look
  const claimed = await ctx.db.stray.updateMany({
    where: {
      hostId,
      kind,
      thing: id,
      OR: [{ decision: null }, { decision: { in: ['remove', 'removing'] } }],
    },
    data: { decision: 'removing' },
  })
  return claimed.count > 0
}

async function toRemove(ctx: Ctx, look: Look): Promise<Doomed[]> {
  const stranger = ({ id }: Found) => !look.known.has(id)
  const held = ({ id }: { id: string }) => look.held?.has(id) === true
  const strays = look.found.filter((one) => stranger(one) && !look.buried.has(one.id))
  const noted = await isNoted(ctx, look)
  const deleted = look.found.filter((one) => stranger(one) && look.buried.has(one.id))
  const { due, chosen } = strays.length === 0 && !noted.stray ? nothing : await noteStrays(ctx, look, strays)
  const doomed: Doomed[] = [
    ...deleted.map(({ id }) => ({ id, why: 'deleted' as const })),
    ...due.map((id) => ({ id, why: 'unknown' as const })),
  ].filter((one) => !held(one))
  // Strays that an administrator has chosen go without the brake, because they are no accident.
  const named: Doomed[] = chosen.map((id) => ({ id, why: 'unknown' as const })).filter((one) => !held(one))
  const isFree = ({ id, why }: Doomed) =>
    look.follows?.has(id) || (look.unbraked === true && why === 'deleted')
  const free = doomed.filter(isFree)
  const others = doomed.filter((one) => !isFree(one))
  const released = others.length === 0 && !noted.brake ? [] : await brake(ctx, look, others)
  return [...named, ...free, ...released]
}

/** Whether the host has recorded strays or a brake. Almost no host has any, so all hosts of a round share one query. */
const isNoted = gathered(64, async ({ deps }, looks: readonly Pick<Look, 'hostId' | 'kind'>[]) => {
  const hosts = [...new Set(looks.map((look) => look.hostId))]
  const rows = await deps.root.$queryRaw<{ what: string; hostId: string; kind: string }[]>`
    SELECT DISTINCT 'stray' AS "what", "hostId", "kind" FROM "Stray" WHERE "hostId" = ANY(${hosts}::text[])
    UNION ALL SELECT 'brake', "hostId", "kind" FROM "Brake" WHERE "hostId" = ANY(${hosts}::text[])`
  const noted = new Set(rows.map((row) => `${row.what} ${row.hostId} ${row.kind}`))
  return looks.map(({ hostId, kind }) => ({
    stray: noted.has(`stray ${hostId} ${kind}`),
    brake: noted.has(`brake ${hostId} ${kind}`),
  }))
})

/** How many days a decision is kept while its thing is not seen (because its host is away). */
const rememberDays = 30

/**
 * A longer pause between two sightings does not count as a stray's time: neither the absence of its host or of the
 * cloud nor a clock that jumps ahead by weeks ends the time.
 */
const unseen = Prisma.sql`interval '1 hour'`

type Noted = { due: string[]; chosen: string[] }
const nothing: Noted = { due: [], chosen: [] }
/**
 * Records the present strays and drops the records of former ones. `due`: strays whose time is over; `chosen`:
 * strays that an administrator wants removed.
 */
async function noteStrays(ctx: Ctx, look: Look, strays: readonly Found[]): Promise<Noted> {
  const { hostId, kind } = look
  const ids = strays.map(({ id }) => id)
  const longAgo = new Date(Date.now() - rememberDays * 86_400_000)
  const gone = look.partial
    ? { count: 0 }
    : await ctx.db.stray.deleteMany({
        where: {
          ...{ hostId, kind, thing: { notIn: ids } },
          OR: [
            { decision: null },
            { decision: { not: 'keep' } },
            { thing: { in: [...look.known] } },
            { lastSeenAt: { lt: longAgo } },
          ],
        },
      })
  if (ids.length === 0) {
    if (gone.count > 0) await placeEvent(ctx, hostId)
    return { due: [], chosen: [] }
  }
  const facts = JSON.stringify(strays.map((one) => one.facts ?? {}))
  const rows = await ctx.db.$queryRaw<{ id: string; fresh: boolean; chosen: boolean; due: boolean }[]>`
    INSERT INTO "Stray" ("hostId", "kind", "thing", "facts")
    SELECT ${hostId}, ${kind}, id, facts FROM ROWS FROM (unnest(${ids}::text[]), jsonb_array_elements(${facts}::jsonb)) AS t (id, facts)
    ON CONFLICT ("hostId", "kind", "thing") DO UPDATE SET "lastSeenAt" = now(),
      "facts" = CASE WHEN EXCLUDED."facts" = '{}' THEN "Stray"."facts" ELSE EXCLUDED."facts" END,
      "firstSeenAt" = "Stray"."firstSeenAt" + CASE WHEN "Stray"."lastSeenAt" < now() - ${unseen} THEN now() - "Stray"."lastSeenAt" ELSE '0' END
    RETURNING "thing" AS "id", xmax = 0 AS "fresh", "decision" IN ('remove', 'removing') AS "chosen",
      "decision" IS NULL AND "firstSeenAt" < now() - make_interval(secs => ${ctx.deps.config.keepUnknownMs / 1000}) AS "due"`
  const fresh = rows.filter((row) => row.fresh).map((row) => row.id)
  if (fresh.length > 0) {
    ctx.log.warn({ hostId, kind, ids: fresh.slice(0, 20), count: fresh.length }, 'found what no row knows')
    await placeEvent(ctx, hostId, { unknown: kind, count: fresh.length })
  } else if (gone.count > 0) await placeEvent(ctx, hostId)
  const idsOf = (which: 'due' | 'chosen') => rows.filter((row) => row[which]).map((row) => row.id)
  return { due: idsOf('due'), chosen: idsOf('chosen') }
}

/** Returns the things that may be removed: all when they are few, otherwise those for which an administrator has released the brake. */
async function brake(ctx: Ctx, look: Look, doomed: Doomed[]): Promise<Doomed[]> {
  const { hostId, kind } = look
  const where = { hostId_kind: { hostId, kind } }
  const before = await ctx.db.brake.findUnique({ where })
  const released = new Set(before?.releasedAt ? before.ids : [])
  const free = doomed.filter(({ id }) => released.has(id))
  const others = doomed.filter(({ id }) => !released.has(id))
  const total = look.found.length
  if (others.length <= Math.max(3, Math.floor(total / 10))) {
    if (before && (!before.releasedAt || free.length === 0)) {
      await ctx.db.brake.deleteMany({ where: { hostId, kind } })
      await placeEvent(ctx, hostId)
    }
    return doomed
  }
  const ids = doomed.map(({ id }) => id).sort()
  // An administrator who releases the brake names the `pulledAt` of the list that they have read (releaseBrake).
  const same = before?.releasedAt === null && before.ids.join() === ids.join()
  const pulledAt = same ? before.pulledAt : new Date()
  const pulled = { ids, total, pulledAt, releasedAt: null, releasedBy: null }
  // An unchanged brake is not written again, because it may be released at this moment.
  if (same) return free
  await ctx.db.brake.upsert({ where, create: { hostId, kind, ...pulled }, update: pulled })
  await placeEvent(ctx, hostId)
  if (!before || before.releasedAt) {
    ctx.log.error({ hostId, kind, count: ids.length, total }, 'so many would be removed that nothing is')
    await placeEvent(ctx, hostId, { brake: kind, count: ids.length, total })
  }
  return free
}

/** Appends an event that makes the pages of hosts read again. `data` says what is new, for the audit log and webhooks. */
export async function placeEvent(
  ctx: Ctx,
  hostId: string,
  data: Record<string, unknown> = {},
): Promise<void> {
  await appendEvent(ctx, {
    kind: 'host.updated',
    projectId: null,
    resourceKind: 'host',
    resourceId: hostId || 'image-store',
    data,
  })
}
