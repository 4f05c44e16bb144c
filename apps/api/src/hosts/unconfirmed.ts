import { Prisma } from '@stratolith/db'
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import type { DriverError } from '@stratolith/drivers/errors'
import type { Ctx } from '../kernel/context.ts'
import { errorIn } from './documents.ts'

/** Queries of documents that hosts have not confirmed (telling.ts shows them to administrators). */
export type Thing = { kind: DocumentKind; thing: string }
export type Unconfirmed = Thing & {
  wanted: boolean
  /** The time of the newest unconfirmed change or, for a removal, the time at which the removal was wanted. */
  since: Date
  attempts: number
  dueAt: Date | null
  /** The failure that the host told of the newest generation. */
  error: DriverError | null
  /** What the host is still waiting for, such as "the host to copy the image". */
  waitsFor: string | null
}

const rowsOf = Prisma.sql`"HostDocument" h
  JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing" AND h."confirmed" < d."generation"`
/** The time since when a document waits. The generation of a removal grows once more when the row goes, which is no newer wish. */
const since = Prisma.sql`CASE WHEN h."wanted" THEN greatest(h."since", d."changedAt") ELSE h."since" END`
/** The condition that the recorded receipt is for the newest generation; older receipts do not count. */
const said = Prisma.sql`h."told" = d."generation"`
const columns = Prisma.sql`h."kind", h."thing"::text AS "thing", h."wanted",
  CASE WHEN ${said} THEN h."attempts" ELSE 0 END AS "attempts", CASE WHEN ${said} THEN h."dueAt" END AS "dueAt",
  CASE WHEN ${said} THEN h."error" END AS "error", CASE WHEN ${said} THEN h."waitsFor" END AS "waitsFor", ${since} AS "since"`
type Row = Omit<Unconfirmed, 'error'> & { error: string | null }
const read = <R extends { error: string | null }>(row: R) => ({
  ...row,
  error: row.error === null ? null : errorIn(row.error),
})

/** The unconfirmed documents among these things, the longest waiting first, in one query. */
export async function unconfirmedOf(
  ctx: Ctx,
  hostId: string,
  things: readonly Thing[],
): Promise<Unconfirmed[]> {
  const rows = await ctx.db.$queryRaw<Row[]>`
    SELECT ${columns} FROM ${rowsOf} WHERE h."hostId" = ${hostId}::uuid AND (h."kind", h."thing") IN (
      SELECT * FROM unnest(${things.map((one) => one.kind)}::text[], ${things.map((one) => one.thing)}::uuid[]))
    ORDER BY ${since}, h."kind", h."thing"`
  return rows.map(read)
}

/** The standing of a host; `error` is its failure at the newest generation of one unconfirmed thing. */
type Answer = { hostId: string; isConfirmed: boolean; error: DriverError | null }

/**
 * For each host that is up and should have some of these things (with `wanted` false: should be without them): whether
 * it has confirmed all of them. One query.
 */
export async function answersOf(
  ctx: Ctx,
  kind: DocumentKind,
  ids: readonly string[],
  wanted: boolean,
): Promise<Answer[]> {
  const rows = await ctx.deps.root.$queryRaw<(Omit<Answer, 'error'> & { error: string | null })[]>`
    SELECT h."hostId"::text AS "hostId", bool_and(h."confirmed" >= d."generation") AS "isConfirmed",
      max(h."error") FILTER (WHERE ${said} AND h."confirmed" < d."generation") AS "error"
    FROM "HostDocument" h JOIN "Host" o ON o."id" = h."hostId" AND o."state" = 'up'
    JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
    WHERE h."kind" = ${kind} AND h."thing" = ANY(${[...ids]}::uuid[]) AND h."wanted" = ${wanted} GROUP BY h."hostId"`
  return rows.map(read)
}

/** A page of a host's unconfirmed documents, the longest waiting first, after `marker`. One query. */
export async function unconfirmedPage(
  ctx: Ctx,
  hostId: string,
  { limit, marker }: { limit: number; marker?: string },
): Promise<(Unconfirmed & { marker: string })[]> {
  const micros = Prisma.sql`(extract(epoch FROM ${since}) * 1000000)::bigint`
  const [from, after] = marker?.split('.') ?? []
  const rest = marker
    ? Prisma.sql`AND (${micros}, h."thing") > (${from}::bigint, ${after}::uuid)`
    : Prisma.empty
  const rows = await ctx.db.$queryRaw<(Row & { marker: string })[]>`
    SELECT ${columns}, ${micros} || '.' || h."thing" AS "marker" FROM ${rowsOf}
    WHERE h."hostId" = ${hostId}::uuid ${rest} ORDER BY ${micros}, h."thing" LIMIT ${limit}`
  return rows.map(read)
}

/** The number of unconfirmed documents of each of these hosts, in one query; hosts without any are missing. */
export async function unconfirmedCounts(
  ctx: Ctx,
  hostIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await ctx.db.$queryRaw<{ hostId: string; count: number }[]>`
    SELECT h."hostId"::text AS "hostId", count(*)::int AS "count" FROM ${rowsOf}
    WHERE h."hostId" = ANY(${[...hostIds]}::uuid[]) GROUP BY h."hostId"`
  return new Map(rows.map((row) => [row.hostId, row.count]))
}

/** Makes all unconfirmed documents of a host due now, except those that are being delivered; returns their number. */
export function makeDue(ctx: Ctx, hostId: string): Promise<number> {
  return ctx.db.$executeRaw`
    WITH late AS (SELECT h."kind", h."thing" FROM ${rowsOf} WHERE h."hostId" = ${hostId}::uuid
      ORDER BY 1, 2 FOR NO KEY UPDATE OF h SKIP LOCKED)
    UPDATE "HostDocument" h SET "dueAt" = now() FROM late
    WHERE h."hostId" = ${hostId}::uuid AND h."kind" = late."kind" AND h."thing" = late."thing"`
}

/** The SQL condition that a host which is up has not confirmed the newest generation of the thing (an expression of type uuid). */
export const isUnconfirmedSomewhere = (kind: DocumentKind, thing: Prisma.Sql): Prisma.Sql => Prisma.sql`
  EXISTS (SELECT FROM "HostDocument" h JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
    JOIN "Host" o ON o."id" = h."hostId" AND o."state" = 'up'
    WHERE h."kind" = ${kind} AND h."thing" = ${thing} AND h."confirmed" < d."generation")`
