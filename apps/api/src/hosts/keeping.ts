import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { appendEvent } from '../kernel/events.ts'
import { gathered } from '../kernel/gathered.ts'
import type { StrayKind } from './contract.ts'

/**
 * What a reconciler may remove. A thing on a host goes for one of two reasons: its row has been
 * deleted (`buried`), or nobody has known it for `config.keepUnknownMs` (or an administrator has said
 * that it may go). Everything else that no row knows is a stray: it is left alone and shown.
 */
export type Found = { id: string; facts?: Prisma.InputJsonObject }
export type Look = {
  /** "" is the image store of the cloud. */
  hostId: string
  kind: StrayKind
  /** All that the host has of this kind. */
  found: readonly Found[]
  /** Ids whose row says that they belong there, or that an operation is at work on. */
  known: ReadonlySet<string>
  /** Ids that have been deleted (kernel/tombstones.ts). */
  buried: ReadonlySet<string>
  /** Asked again right before one is removed: it may have been given a row, or a job, since. */
  isKnown: (id: string) => Promise<boolean>
  /** Not in this round: something that uses them is still there. */
  held?: ReadonlySet<string>
  /** They go with something that has gone in this round: it has been let through for them, too. */
  follows?: ReadonlySet<string>
  /** Nobody loses anything by them: what was deleted goes, however much it is, and a tenant cannot stop it. */
  unbraked?: boolean
  /** `found` may lack some, because somebody did not answer: nothing is forgotten for not being in it. */
  partial?: boolean
}
export type Doomed = { id: string; why: 'deleted' | 'unknown' }

/** What `remove` resolves to when something of it is still there: it is asked again in the next round. */
export const kept = 'kept'

/** The image store's place among the hosts. */
export const imageStorePlace = ''

/**
 * One round: writes strays down, considers the brake (a round that would remove more than max(3, a
 * tenth) of a kind removes nothing until an administrator lets it), and has `remove` take away what
 * may go. One that fails is logged and does not stop the others. Returns the ids that are gone.
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
 * A round takes its time, and somebody may adopt or keep a stray meanwhile: from here on he cannot
 * (loadStray), and what he did before is seen.
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
  // What an administrator has named himself is no accident.
  const named: Doomed[] = chosen.map((id) => ({ id, why: 'unknown' as const })).filter((one) => !held(one))
  const isFree = ({ id, why }: Doomed) =>
    look.follows?.has(id) || (look.unbraked === true && why === 'deleted')
  const free = doomed.filter(isFree)
  const others = doomed.filter((one) => !isFree(one))
  const released = others.length === 0 && !noted.brake ? [] : await brake(ctx, look, others)
  return [...named, ...free, ...released]
}

/** At almost every host nothing is written down: asked of all that a round looks at in one query. */
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

/** A decision outlives a thing that is not seen for a while (its host is away) by so much. */
const rememberDays = 30

/**
 * The time of what nobody knows runs while it is seen: not while its host or the cloud is away, and a clock
 * that jumps ahead by weeks ends nothing.
 */
const unseen = Prisma.sql`interval '1 hour'`

type Noted = { due: string[]; chosen: string[] }
const nothing: Noted = { due: [], chosen: [] }
/**
 * Writes down what is unknown now and forgets what is not any more. `due`: their time is over; `chosen`:
 * an administrator wants them removed.
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

/** Lets through what is little, or what an administrator has let go. */
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
  // Whoever lets it go says of which moment he has read (releaseBrake).
  const same = before?.releasedAt === null && before.ids.join() === ids.join()
  const pulledAt = same ? before.pulledAt : new Date()
  const pulled = { ids, total, pulledAt, releasedAt: null, releasedBy: null }
  // One that is as before may be released at this moment.
  if (same) return free
  await ctx.db.brake.upsert({ where, create: { hostId, kind, ...pulled }, update: pulled })
  await placeEvent(ctx, hostId)
  if (!before || before.releasedAt) {
    ctx.log.error({ hostId, kind, count: ids.length, total }, 'so many would be removed that nothing is')
    await placeEvent(ctx, hostId, { brake: kind, count: ids.length, total })
  }
  return free
}

/** The pages of the hosts look again. `data` says what is new, for the audit log and webhooks. */
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
