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
 * How hosts hear of what they should be. Which documents a host needs, and that one has changed, is
 * written by triggers in the transaction of the change (prisma/triggers.sql, "Documents"); here they are
 * read from the rows, told to the host, and what it says is written down. A host that does not answer
 * has a longer list, and nobody waits for it.
 */

/**
 * A part of what is due: things of these kinds, and those of the kinds `gone` that are to go. `now`: these,
 * too, whenever they were to be told again; `always`: also when the host has confirmed them. `known`: what is
 * to go, and what it has heard of before and has changed since (with what that may need), whenever that was to
 * be told again.
 */
export type About = {
  kinds: readonly DocumentKind[]
  gone: readonly DocumentKind[]
  now?: readonly string[]
  always?: readonly string[]
  known?: boolean
}

/** `at`: when it was changed or needed last, seconds of the database's clock. */
type Due = { n: number; kind: DocumentKind; thing: string; wanted: boolean; generation: number; at: number }
export const mostAtOnce = 500

/**
 * Tells a host what it has not confirmed yet (with `about` a part of that) and returns what it said, of each
 * document that it was told one receipt.
 * Raises `unavailable` when it is silent. May run at the same time as another one of the same host.
 * Many at the same time, to whichever hosts, share what they read and what they write down.
 */
export async function deliver(ctx: Ctx, op: Op, hostId: string, about?: About): Promise<Receipt[]> {
  return (await delivery(ctx, () => op, hostId, about ?? 'all')).receipts
}

/**
 * `isMore`: there may be more than is told at once, and the next time it will be less. What the host says of
 * itself does not decide it: one that confirms nothing would be told without end. `isCut`: it ended early.
 */
type Delivery = { receipts: Receipt[]; isMore: boolean; isCut?: boolean }
/**
 * `all`: changes first, and what has failed last. `changes`: the same, until something new comes. `oldest`: what has
 * waited longest first, to its end. The pump does the last two by turns, so that nobody who changes something all the
 * time keeps the rest from being told.
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
      // What was done is written down, whatever becomes of the rest.
      if (await note(ctx, { hostId, documents: part, receipts })) isLess = true
      all.push(...receipts)
      // Something new (a revocation, perhaps) does not wait for the rest: it is looked anew, changes first.
      if (look === 'changes' && (underWay.get(hostId)?.newest ?? 0) > newest)
        return { receipts: all, isMore: true, isCut: true }
    }
    return { receipts: all, isMore: isLess && due.length === mostAtOnce }
  } finally {
    for (const key of keys) beingTold.delete(key)
  }
}

/** A host that refuses the call as a whole is told by halves, until it is clear which document it refuses. */
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
 * Of each of these documents one receipt, in their order. What the host says of anything else (another thing,
 * or a generation that it was not told) says nothing of what it has.
 */
function receiptsOf(part: readonly HostDocument[], said: readonly Receipt[]): Receipt[] {
  const byThing = new Map(said.map((receipt) => [keyOf(receipt), receipt]))
  return part.map((document) => {
    const receipt = byThing.get(keyOf(document))
    if (receipt) return believable(receipt)
    const { kind, id, generation } = document
    const message = 'The host said nothing of it.'
    return { kind, id, generation, outcome: 'failed', code: 'unavailable', message }
  })
}

/** What this process is telling hosts at the moment: the pump need not tell it a second time. */
const beingTold = new Set<string>()
/** Others need what is no leaf: without it they would fail where it has not arrived. So it comes with them once more. */
const isLeaf = ({ kind }: HostDocument) => kind === 'port' || kind === 'instance'

function notBeingTold(hostId: string, documents: readonly HostDocument[]): readonly HostDocument[] {
  const isNew = (one: HostDocument) => !beingTold.has(keyAt(hostId, one))
  return documents.some(isNew) ? documents.filter((one) => isNew(one) || !isLeaf(one)) : []
}
type Told = Pick<HostDocument, 'kind' | 'id' | 'generation'>
const keyOf = ({ kind, id, generation }: Told) => `${kind}/${id}/${generation}`
const keyAt = (hostId: string, told: Told) => `${hostId}/${keyOf(told)}`

/** Wanted of what is gone: it was written down while that went, and nobody else takes it back. */
const rowless = new WeakSet<HostDocument>()

type Asked = { hostId: string; about: About | undefined; oldest: boolean }

/** In one snapshot: what a generation promises is in the rows that are read with it. */
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
      // A guest does not go because its row is missing: that is decided in hosts/keeping.ts.
      if (body || !wanted || kind !== 'instance') its.due.push(document)
    }
    return found
  })

/** A build that is new is told by its operation, which waits for it: so long the pump leaves it alone. */
const forItsBuild = Prisma.sql`interval '1 minute'`

const changedAt = Prisma.sql`extract(epoch FROM greatest(d."changedAt", h."since"))::float8`

/** Its time has come, or it is another wish than the one that the host has spoken of last. */
const isDue = Prisma.sql`(h."dueAt" IS NULL OR h."dueAt" <= now() OR h."told" < d."generation")`

/**
 * By `n`, the place in `asked`. What the host has already and has changed (a rule that was revoked) goes
 * before what is new to it.
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

/** By indexes: what a host has confirmed of a hundred guests is not looked through for one of them. */
const rowsWhere = (which: string) =>
  Prisma.raw(`SELECT h.* FROM "HostDocument" h WHERE h."hostId" = w."hostId" AND ${which}`)

type Heard = { hostId: string; documents: readonly HostDocument[]; receipts: readonly Receipt[] }

/**
 * A host that could not do it is asked again later and later, at least every five minutes; one that works on
 * it at least every half minute, because it gives up what nobody asks for. What it says late of an older wish
 * than the one that it has spoken of already is not heard. Returns of each whether something is confirmed now.
 */
async function noteAll(ctx: Ctx, told: readonly Heard[]): Promise<boolean[]> {
  const rows = newestOf(told.flatMap(rowsOf))
  const r = Prisma.sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r ("hostId" uuid, "kind" text,
    "thing" uuid, "generation" bigint, "outcome" text, "gone" boolean, "rowless" boolean, "known" bigint, "error" text,
    "waitsFor" text)`
  const said = told.flatMap(({ hostId, receipts }) => receipts.map((receipt) => ({ hostId, receipt })))
  const { before, isLocked } = lockedFirst(r)
  // In a transaction, which is tried again: the room that is free now is in rows that launches lock.
  const news = await inTransaction(asSystem(ctx, 'hosts.documents'), async (tx) => {
    // One that has heard more than these rows know, which came from a backup: what they say now is the newest again.
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

/** An operation has one document or a few, and does not wait for all that a thousand hosts have to be told. */
const forOperations = { dueDocuments: gathered(100, findDue), note: gathered(100, noteAll) }
const forThePump = { dueDocuments: gathered(10, findDue), note: gathered(10, noteAll) }

/** Of one thing that a host has spoken of twice, the newer one. */
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

/** Every host goes on counting from what one of them says it has heard: an absurd answer is not believed. */
function believable(receipt: Receipt): Receipt {
  if (receipt.outcome !== 'older') return receipt
  const { kind, id, generation, known } = receipt
  const isNewer = Number.isSafeInteger(known) && known > generation
  if (isNewer && known - generation < mostAhead && known < mostKnown) return receipt
  const message = `The host claims to have heard of generation ${known}; this is ${generation}.`
  return { kind, id, generation, outcome: 'failed', code: 'invalid', message }
}
/** So many changes of one thing no cloud sees between two backups. */
const mostAhead = 1e9
/** Far below what a JSON number says exactly, so that there is always room to count on. */
const mostKnown = 2 ** 50

/** A host's words, as PostgreSQL takes them. */
const storable = (words: string) => words.slice(0, 2_000).replaceAll('\0', '').toWellFormed()

/** What a host says when it cannot. */
export const errorOf = ({ code, message }: Extract<Receipt, { outcome: 'failed' }>): DriverError =>
  new DriverError(code, message)

/** As it was written down. */
export function errorIn(text: string): DriverError {
  const at = text.indexOf(': ')
  const code = driverErrorCodes.find((known) => known === text.slice(0, at))
  return new DriverError(code ?? 'failed', text.slice(at + 2))
}

/** Deliveries under way, each host's its own; with what has come since it began, and when the newest was changed. */
const underWay = new Map<string, { isMore: boolean; newest: number }>()
/** A round of the pump waits so long for them; what takes longer goes on beside the next ones. */
const roundMs = 1_000
const deliveryMs = 120_000
/** What was changed longer ago is found by the full look, and by the one at a host that comes back. */
const lately = Prisma.sql`interval '30 seconds'`
const isTold = Prisma.sql`o."state" IN ('up', 'suspect')`
/** Two looks that do not grow with the cloud, nor with what silent hosts have not been told. */
const newOnes = [
  Prisma.sql`h."dueAt" IS NOT NULL AND h."hostId" = ANY(ARRAY(SELECT o."id" FROM "Host" o WHERE ${isTold}))`,
  Prisma.sql`d."changedAt" > now() - ${lately}`,
]

/** To every host that is not given up what it has not confirmed, all hosts at the same time. */
export const deliverAll = (ctx: Ctx): Promise<void> => deliverWhere(ctx, newOnes)

/** To every host that has not confirmed one of these. Returns after a moment, whatever is still under way. */
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

/** All that this host has not confirmed; `newest` of it was changed then. Never throws: it is tried again. */
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
 * To a host, whatever its state, what others may have by now: what is to be gone from it, and what it has
 * heard of and has lost something since (an address, a rule). Raises `unavailable` when it is silent.
 */
export async function deliverKnown(ctx: Ctx, hostId: string): Promise<void> {
  while ((await delivery(ctx, () => plainOp(ctx, deliveryMs), hostId, known)).isMore);
}

/** As one that has heard of it, whatever it was: a host that comes back is told first what it may have. */
export const doubted = Prisma.sql`"told" = least(greatest("told", "confirmed"), 1), "confirmed" = 0,
  "since" = CASE WHEN "confirmed" = 0 THEN "since" ELSE now() END, "dueAt" = now()`

/** The host has otherwise than it has confirmed: it is told again. */
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
