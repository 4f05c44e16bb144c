import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import type {
  DocumentKeeper,
  DocumentKind,
  HostDocument,
  Receipt,
} from '@stratolith/drivers/documents/interface'
import { documentKinds } from '@stratolith/drivers/documents/kinds'
import { partsOf } from '@stratolith/drivers/documents/parts'
import { DriverError, driverErrorCodes } from '@stratolith/drivers/errors'
import type { Op } from '@stratolith/drivers/op'
import { asSystem, type Ctx, inTransaction, withSnapshot } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'
import { gathered } from '../kernel/gathered.ts'
import { plainOp, whileAnswering } from '../kernel/hosts.ts'
import { documentRoom, documentRooms, lockedFirst } from './document-rooms.ts'
import { driversOf } from './drivers.ts'

/**
 * The delivery of documents to hosts. Triggers record, in the transaction of a change, which documents a host needs
 * and which have changed (prisma/triggers.sql, "Documents"). This file makes the documents from the rows, sends them
 * to the host, and records its receipts. The list of a host that does not answer grows, and nobody waits for
 * the host.
 */

/**
 * Selects a part of the due documents: things of these kinds, and removals of things of the kinds `gone`. `now`: these
 * things, too, even before their next try is due; `always`: these things even when the host has confirmed them.
 * `known`: all removals, and changes of things that the host knows (with the things that these may need), even before
 * their next try is due.
 */
export type About = {
  kinds: readonly DocumentKind[]
  gone: readonly DocumentKind[]
  now?: readonly string[]
  always?: readonly string[]
  known?: boolean
}

/** A due document; `at`: when it was last changed or needed, in seconds of the database's clock. */
type Due = { n: number; kind: DocumentKind; thing: string; wanted: boolean; generation: number; at: number }
export const mostAtOnce = 500

/**
 * Delivers the documents that a host has not confirmed (with `about` a part of them) and returns one receipt for each
 * delivered document. Raises `unavailable` when the host is silent. Several deliveries to the same host may run at
 * the same time. Deliveries that run at the same time, to any hosts, share their queries.
 */
export async function deliver(ctx: Ctx, op: Op, hostId: string, about?: About): Promise<Receipt[]> {
  return (await delivery(ctx, () => op, hostId, about ?? 'all')).receipts
}

/**
 * `isMore`: further documents may be due, and this delivery has confirmed some. Unconfirmed documents do not count,
 * because a host that confirms nothing would get deliveries without end. `isCut`: the delivery ended early.
 */
type Delivery = { receipts: Receipt[]; isMore: boolean; isCut?: boolean }
/**
 * The order of a delivery. `all`: changes first, failed documents last. `changes`: the same order, but the delivery ends
 * when something new comes. `oldest`: the documents that have waited longest first, without an early end. The pump
 * alternates between the last two, so that constant changes of some things do not hold up the rest.
 */
type Look = About | 'all' | 'changes' | 'oldest'

async function delivery(ctx: Ctx, opFor: () => Op, hostId: string, look: Look): Promise<Delivery> {
  const about = typeof look === 'string' ? undefined : look
  const { dueDocuments, note } = about ? forOperations : forThePump
  const { due, newest } = await dueDocuments(ctx, { hostId, about, oldest: look === 'oldest' })
  const documents = about ? due : notBeingTold(hostId, due)
  if (documents.length === 0) return { receipts: [], isMore: false }
  const drivers = await driversOf(ctx, hostId)
  const keys = documents.map((one) => keyAt(hostId, one))
  for (const key of keys) beingTold.add(key)
  const op = opFor()
  try {
    const all: Receipt[] = []
    let isLess = false
    for (const part of partsOf(documents)) {
      const receipts = await whileAnswering(op, drivers, (watched) =>
        applyPart(drivers.documents, watched, part),
      )
      // The receipts of this part are recorded even when a later part fails.
      if (await note(ctx, { hostId, documents: part, receipts })) isLess = true
      all.push(...receipts)
      // A new change (perhaps a revocation) must not wait for the rest: the delivery ends, and the next one begins with changes.
      if (look === 'changes' && (underWay.get(hostId)?.newest ?? 0) > newest)
        return { receipts: all, isMore: true, isCut: true }
    }
    return { receipts: all, isMore: isLess && due.length === mostAtOnce }
  } finally {
    for (const key of keys) beingTold.delete(key)
  }
}

/** Sends documents to a host. When the host refuses the whole call, each half is sent alone, until the refused document is found. */
async function applyPart(keeper: DocumentKeeper, op: Op, part: readonly HostDocument[]): Promise<Receipt[]> {
  try {
    return receiptsOf(part, await keeper.apply(op, part))
  } catch (error) {
    if (!(error instanceof DriverError && error.code === 'invalid')) throw error
    const [first] = part
    if (first && part.length === 1) {
      const { kind, id, generation } = first
      return [{ kind, id, generation, outcome: 'failed', code: error.code, message: error.message }]
    }
    const half = Math.ceil(part.length / 2)
    return [
      ...(await applyPart(keeper, op, part.slice(0, half))),
      ...(await applyPart(keeper, op, part.slice(half))),
    ]
  }
}

/**
 * Returns one receipt for each of these documents, in their order. Receipts for anything else (another thing, or a
 * generation that was not delivered) are ignored.
 */
function receiptsOf(part: readonly HostDocument[], said: readonly Receipt[]): Receipt[] {
  const byThing = new Map(said.map((receipt) => [keyOf(receipt), receipt]))
  return part.map((document) => {
    const receipt = byThing.get(keyOf(document))
    if (receipt) return believable(receipt)
    const { kind, id, generation } = document
    const message = 'The host gave no receipt for this document.'
    return { kind, id, generation, outcome: 'failed', code: 'unavailable', message }
  })
}

/** The documents that this process is delivering at the moment, which the pump need not deliver a second time. */
const beingTold = new Set<string>()
/** True for documents that no other document needs. Other documents are delivered once more together with those that need them. */
const isLeaf = ({ kind }: HostDocument) => kind === 'port' || kind === 'instance'

function notBeingTold(hostId: string, documents: readonly HostDocument[]): readonly HostDocument[] {
  const isNew = (one: HostDocument) => !beingTold.has(keyAt(hostId, one))
  return documents.some(isNew) ? documents.filter((one) => isNew(one) || !isLeaf(one)) : []
}
type Told = Pick<HostDocument, 'kind' | 'id' | 'generation'>
const keyOf = ({ kind, id, generation }: Told) => `${kind}/${id}/${generation}`
const keyAt = (hostId: string, told: Told) => `${hostId}/${keyOf(told)}`

/** Documents that are wanted although their row is gone: the wish was recorded while the row was deleted, and only this file removes it. */
const rowless = new WeakSet<HostDocument>()

type Asked = { hostId: string; about: About | undefined; oldest: boolean }

/** Reads due documents in one snapshot, so that each generation belongs to the rows that are read with it. */
const findDue = (ctx: Ctx, asked: readonly Asked[]) =>
  withSnapshot(ctx, async (snapshot) => {
    const due = await dueOf(snapshot, asked)
    const bodies = new Map<DocumentKind, ReadonlyMap<string, unknown>>()
    for (const [kind, list] of Map.groupBy(due, (one) => one.kind)) {
      const wanted = new Set(list.flatMap((one) => (one.wanted ? one.thing : [])))
      bodies.set(kind, await documentRoom(kind).render(snapshot, [...wanted]))
    }
    const found = asked.map(() => ({ due: [] as HostDocument[], newest: 0 }))
    for (const { n, kind, thing: id, wanted, generation, at } of due) {
      const its = found[n]
      invariant(its, 'what is due is asked for')
      its.newest = Math.max(its.newest, at)
      const body = (wanted && bodies.get(kind)?.get(id)) || null
      const document = { kind, id, generation, body } as HostDocument
      if (wanted && !body) rowless.add(document)
      // A missing row is no reason to remove a guest: hosts/keeping.ts decides that.
      if (body || !wanted || kind !== 'instance') its.due.push(document)
    }
    return found
  })

/** How long the pump leaves a new build alone, because its operation delivers the documents and waits for them. */
const forItsBuild = Prisma.sql`interval '1 minute'`

const changedAt = Prisma.sql`extract(epoch FROM greatest(d."changedAt", h."since"))::float8`

/** The condition that a document is due: its next try has come, or the host's last receipt is for an older generation. */
const isDue = Prisma.sql`(h."dueAt" IS NULL OR h."dueAt" <= now() OR h."told" < d."generation")`

/**
 * Reads the due documents of several deliveries; `n` is the place in `asked`. Changes of things that the host has
 * already (a rule that was revoked) come before things that are new to the host.
 */
function dueOf(ctx: Ctx, asked: readonly Asked[]): Promise<Due[]> {
  const all = documentRooms().map(({ kind }) => kind)
  const wishes = asked.map(({ hostId, about, oldest }, n) => ({
    oldest,
    n,
    hostId,
    kinds: about?.kinds ?? all,
    gone: about?.gone ?? all,
    now: about?.now ?? [],
    always: about?.always ?? [],
    pump: about === undefined,
    known: about?.known ?? false,
    all,
  }))
  return ctx.db.$queryRaw<Due[]>`
    SELECT w."n", x.* FROM jsonb_to_recordset(${JSON.stringify(wishes)}::jsonb)
      AS w ("n" int, "hostId" uuid, "kinds" text[], "gone" text[], "now" uuid[], "always" uuid[], "pump" boolean,
        "known" boolean, "oldest" boolean, "all" text[])
    CROSS JOIN LATERAL (
      SELECT h."kind", h."thing"::text AS "thing", h."wanted", d."generation"::float8 AS "generation", ${changedAt} AS "at"
      FROM (
        ${rowsWhere('h."kind" = ANY(w."all") AND h."thing" = ANY(w."now" || w."always")')}
        UNION ${rowsWhere('NOT h."wanted" AND h."kind" = ANY(w."gone")')}
        UNION ${rowsWhere('h."wanted" AND h."kind" = ANY(w."kinds") AND cardinality(w."kinds") > 0')}
      ) h CROSS JOIN LATERAL (
        SELECT d.* FROM "Document" d WHERE d."kind" = h."kind" AND d."thing" = h."thing" OFFSET 0) d
      WHERE h."thing" = ANY(w."always") OR (h."confirmed" < d."generation" AND (
        h."thing" = ANY(w."now")
        OR (w."known" AND (NOT h."wanted" OR h."kind" IN ('network', 'addressSet')
          OR (h."kind" <> 'instance' AND greatest(h."told", h."confirmed") > 0)))
        OR (NOT w."known" AND ${isDue} AND NOT (w."pump" AND h."kind" = 'instance' AND h."wanted"
          AND greatest(h."told", h."confirmed") = 0 AND h."since" > now() - ${forItsBuild}))))
      ORDER BY h."thing" = ANY(w."always") DESC, h."thing" = ANY(w."now") DESC,
        CASE WHEN w."oldest" THEN greatest(d."changedAt", h."since") END, h."attempts" > 0,
        h."wanted" AND h."confirmed" = 0, array_position(w."all", h."kind"), d."changedAt" LIMIT ${mostAtOnce}
    ) x`
}

/** A part of a UNION, so that PostgreSQL uses indexes and does not read all documents of a host for one of them. */
const rowsWhere = (which: string) =>
  Prisma.raw(`SELECT h.* FROM "HostDocument" h WHERE h."hostId" = w."hostId" AND ${which}`)

type Heard = { hostId: string; documents: readonly HostDocument[]; receipts: readonly Receipt[] }

/**
 * Records receipts. After a failure the next try comes later and later, but at least every five minutes; while the host
 * works on a document it is asked at least every half minute, because it gives up work that nobody asks for. A late
 * receipt for an older generation than the last recorded one is ignored. Returns for each delivery whether it has
 * confirmed something.
 */
async function noteAll(ctx: Ctx, told: readonly Heard[]): Promise<boolean[]> {
  const rows = newestOf(told.flatMap(rowsOf))
  const r = Prisma.sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("hostId" uuid, "kind" text,
    "thing" uuid, "generation" bigint, "outcome" text, "gone" boolean, "rowless" boolean, "known" bigint, "error" text,
    "waitsFor" text)`
  const said = told.flatMap(({ hostId, receipts }) => receipts.map((receipt) => ({ hostId, receipt })))
  const { before, isLocked } = lockedFirst(r)
  // inTransaction tries again after a deadlock, because freed room is in rows that launches lock.
  const news = await inTransaction(asSystem(ctx, 'hosts.documents'), async (tx) => {
    // A host may know a newer generation than these rows, which came from a backup. Then the rows' generation is raised above it.
    const heard = await tx.db.$queryRaw<{ key: string }[]>`
      WITH ${before} its AS MATERIALIZED (
        SELECT r.*, CASE WHEN h."told" < r."generation" THEN 0 ELSE h."attempts" END AS "attempts"
        FROM "HostDocument" h JOIN ${r} ON h."hostId" = r."hostId" AND h."kind" = r."kind" AND h."thing" = r."thing"
        WHERE (h."told" <= r."generation" OR r."outcome" = 'older') ${isLocked} ORDER BY h."hostId", h."kind", h."thing" FOR NO KEY UPDATE OF h
      ), raised AS (
        UPDATE "Document" d SET "generation" = r."known" + 1, "changedAt" = now() FROM its r
        WHERE r."outcome" = 'older' AND d."kind" = r."kind" AND d."thing" = r."thing" AND d."generation" < r."known"
      ), gone AS (
        DELETE FROM "HostDocument" h USING "Document" d, its r
        WHERE ${isIts} AND r."outcome" = 'reached' AND r."gone" AND (NOT h."wanted" OR r."rowless")
          AND d."kind" = r."kind" AND d."thing" = r."thing" AND d."generation" = r."generation"
        RETURNING h."hostId", h."kind", h."thing", r."generation"
      ), remembered AS (
        INSERT INTO "HostDocument" ("hostId", "kind", "thing", "wanted", "confirmed", "dueAt")
        SELECT "hostId", 'gone ' || "kind", "thing", false, "generation", NULL FROM gone
        WHERE "kind" IN ('network', 'router', 'addressSet') ON CONFLICT ("hostId", "kind", "thing")
          DO UPDATE SET "since" = now(), "confirmed" = EXCLUDED."confirmed"
      ), said AS (
      UPDATE "HostDocument" h SET "told" = r."generation",
        "confirmed" = CASE r."outcome" WHEN 'reached' THEN greatest(h."confirmed", r."generation") ELSE h."confirmed" END,
        "error" = r."error", "waitsFor" = r."waitsFor",
        "attempts" = CASE r."outcome" WHEN 'failed' THEN r."attempts" + 1
          WHEN 'working' THEN least(r."attempts" + 1, 6) ELSE 0 END,
        "dueAt" = CASE r."outcome" WHEN 'working' THEN now() + power(2, least(r."attempts", 5)) * interval '1 second'
          WHEN 'failed' THEN now() + least(300, power(2, least(r."attempts", 8))) * interval '1 second' END
      FROM its r WHERE ${isIts} AND r."outcome" <> 'older' AND NOT (r."outcome" = 'reached' AND r."gone")
      ) SELECT "hostId" || '/' || "kind" || '/' || "thing" || '/' || "generation" AS "key" FROM its`
    const isHeard = new Set(heard.map((one) => one.key))
    const news = said.filter(({ hostId, receipt }) => isHeard.has(keyAt(hostId, receipt)))
    for (const { kind, told } of documentRooms()) {
      const its = news.filter(({ receipt }) => receipt.kind === kind)
      if (its.length > 0) await told?.(tx, its)
    }
    return news
  })
  const heard = new Set(news.map(({ receipt }) => receipt))
  return told.map(({ receipts }) => receipts.some((one) => one.outcome === 'reached' && heard.has(one)))
}

const isIts = Prisma.sql`h."hostId" = r."hostId" AND h."kind" = r."kind" AND h."thing" = r."thing"`

/** Operations and the pump have queues of their own: an operation has few documents and must not wait for deliveries to a thousand hosts. */
const forOperations = { dueDocuments: gathered(100, findDue), note: gathered(100, noteAll) }
const forThePump = { dueDocuments: gathered(10, findDue), note: gathered(10, noteAll) }

/** The newest row for each thing of a host. */
function newestOf<R extends { hostId: string; kind: string; thing: string; generation: number }>(
  rows: readonly R[],
): R[] {
  const newest = new Map<string, R>()
  for (const row of rows) {
    const key = `${row.hostId}/${row.kind}/${row.thing}`
    if ((newest.get(key)?.generation ?? 0) < row.generation) newest.set(key, row)
  }
  return [...newest.values()]
}

function rowsOf({ hostId, documents, receipts }: Heard) {
  const keysOf = (list: readonly HostDocument[]) => new Set(list.map((one) => keyAt(hostId, one)))
  const isGone = keysOf(documents.filter((one) => one.body === null))
  const isRowless = keysOf(documents.filter((one) => rowless.has(one)))
  return receipts.map((receipt) => ({
    hostId,
    kind: receipt.kind,
    thing: receipt.id,
    generation: receipt.generation,
    outcome: receipt.outcome,
    gone: isGone.has(keyAt(hostId, receipt)),
    rowless: isRowless.has(keyAt(hostId, receipt)),
    known: receipt.outcome === 'older' ? receipt.known : 0,
    error: receipt.outcome === 'failed' ? storable(`${receipt.code}: ${receipt.message}`) : null,
    waitsFor: receipt.outcome === 'working' ? storable(receipt.for) : null,
  }))
}

/** Refuses an absurd generation in a receipt, because generations of the thing would count on from it for all hosts. */
function believable(receipt: Receipt): Receipt {
  if (receipt.outcome !== 'older') return receipt
  const { kind, id, generation, known } = receipt
  const isNewer = Number.isSafeInteger(known) && known > generation
  if (isNewer && known - generation < mostAhead && known < mostKnown) return receipt
  const message = `The host claims to have heard of generation ${known}; this is ${generation}.`
  return { kind, id, generation, outcome: 'failed', code: 'invalid', message }
}
/** More changes of one thing than any cloud makes between two backups. */
const mostAhead = 1e9
/** Far below the largest exact integer in JSON, so that there is always room to count on. */
const mostKnown = 2 ** 50

/** Text of a host, cut and cleaned so that PostgreSQL accepts it. */
const storable = (words: string) => words.slice(0, 2_000).replaceAll('\0', '').toWellFormed()

/** The error of a failed receipt. */
export const errorOf = ({ code, message }: Extract<Receipt, { outcome: 'failed' }>): DriverError =>
  new DriverError(code, message)

/** Parses a recorded error. */
export function errorIn(text: string): DriverError {
  const at = text.indexOf(': ')
  const code = driverErrorCodes.find((known) => known === text.slice(0, at))
  return new DriverError(code ?? 'failed', text.slice(at + 2))
}

/** The deliveries under way by host: whether more has come since the delivery began, and when the newest was changed. */
const underWay = new Map<string, { isMore: boolean; newest: number }>()
/** How long a round of the pump waits for its deliveries, in ms; longer ones go on beside the next rounds. */
const roundMs = 1_000
const deliveryMs = 120_000
/** Older changes are found by the full search and by the delivery to a host that comes back. */
const lately = Prisma.sql`interval '30 seconds'`
const isTold = Prisma.sql`o."state" IN ('up', 'suspect')`
/** Two conditions whose cost grows neither with the cloud nor with the lists of silent hosts. */
const newOnes = [
  Prisma.sql`h."dueAt" IS NOT NULL AND h."hostId" = ANY(ARRAY(SELECT o."id" FROM "Host" o WHERE ${isTold}))`,
  Prisma.sql`d."changedAt" > now() - ${lately}`,
]

/** Delivers unconfirmed documents to all hosts that are not given up, to all at the same time. */
export const deliverAll = (ctx: Ctx): Promise<void> => deliverWhere(ctx, newOnes)

/** Delivers to every host that has not confirmed one of these things. Returns after a moment, also while deliveries are under way. */
export const deliverThings = (ctx: Ctx, kind: DocumentKind, ids: readonly string[]): Promise<void> =>
  deliverWhere(ctx, [Prisma.sql`h."kind" = ${kind} AND h."thing" = ANY(${[...ids]}::uuid[])`])

export async function deliverWhere(ctx: Ctx, looks: readonly Prisma.Sql[]): Promise<void> {
  const found = looks.map(
    (look) => Prisma.sql`SELECT h."hostId", ${changedAt} AS "at" FROM "HostDocument" h
      JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
      WHERE h."confirmed" < d."generation" AND ${isDue} AND ${look}`,
  )
  const hosts = await ctx.deps.root.$queryRaw<{ id: string; newest: number }[]>`
    SELECT o."id"::text AS "id", max(f."at") AS "newest" FROM "Host" o JOIN (${Prisma.join(found, ' UNION ALL ')}) f
    ON f."hostId" = o."id" WHERE ${isTold} GROUP BY o."id"`
  const told = Promise.all(hosts.map(({ id, newest }) => deliverTo(ctx, id, newest)))
  await Promise.race([told, sleep(roundMs)])
}

/** Delivers all unconfirmed documents to a host; `newest` is when the newest was changed. Never throws, because the pump tries again. */
export async function deliverTo(ctx: Ctx, hostId: string, newest = 0): Promise<void> {
  const now = underWay.get(hostId)
  if (now) return void underWay.set(hostId, { isMore: true, newest: Math.max(now.newest, newest) })
  try {
    let look: Look = 'changes'
    do {
      underWay.set(hostId, { isMore: false, newest: 0 })
      const { isMore, isCut } = await delivery(ctx, () => plainOp(ctx, deliveryMs), hostId, look)
      look = isCut ? 'oldest' : 'changes'
      if (isMore) underWay.set(hostId, { isMore, newest: 0 })
    } while (underWay.get(hostId)?.isMore)
  } catch (error) {
    ctx.log.warn({ err: error, hostId }, 'a host could not be told of changes')
  } finally {
    underWay.delete(hostId)
  }
}

const known: About = { kinds: documentKinds, gone: documentKinds, known: true }
/**
 * Delivers to a host in any state the changes of things that may belong to others by now: all removals, and changes of
 * things that the host knows (which may have lost an address or a rule). Raises `unavailable` when the host is silent.
 */
export async function deliverKnown(ctx: Ctx, hostId: string): Promise<void> {
  while ((await delivery(ctx, () => plainOp(ctx, deliveryMs), hostId, known)).isMore);
}

/** The columns of a doubted document: it counts as known to the host but unconfirmed, so that a host that comes back is told of it first. */
export const doubted = Prisma.sql`"told" = least(greatest("told", "confirmed"), 1), "confirmed" = 0,
  "since" = CASE WHEN "confirmed" = 0 THEN "since" ELSE now() END, "dueAt" = now()`

/** Makes documents be delivered again, because the host differs from what it has confirmed. */
export async function doubt(
  ctx: Ctx,
  hostId: string,
  kind: DocumentKind,
  ids: readonly string[],
): Promise<void> {
  await ctx.db.$executeRaw`
    UPDATE "HostDocument" SET ${doubted}
    WHERE "hostId" = ${hostId}::uuid AND "kind" = ${kind} AND "thing" = ANY(${[...ids]}::uuid[])`
}
