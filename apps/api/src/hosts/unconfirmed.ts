import { Prisma } from '@stratolith/db'
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import type { DriverError } from '@stratolith/drivers/errors'
import type { Ctx } from '../kernel/context.ts'
import { errorIn } from './documents.ts'

/** What hosts have not confirmed yet, for people (telling.ts shows it to administrators). */
export type Thing = { kind: DocumentKind; thing: string }
export type Unconfirmed = Thing & {
  wanted: boolean
  /** Of the newest change that the host has not confirmed; of what is to be gone, when that was asked for. */
  since: Date
  attempts: number
  dueAt: Date | null
  /** What the host said of the newest one. */
  error: DriverError | null
  /** What the host waits for while it is at it: "the host to copy the image". */
  waitsFor: string | null
}

const rowsOf = Prisma.sql`"HostDocument" h
  JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing" AND h."confirmed" < d."generation"`
/** What is to be gone is counted once more when its row goes: that is no newer wish. */
const since = Prisma.sql`CASE WHEN h."wanted" THEN greatest(h."since", d."changedAt") ELSE h."since" END`
/** What it said of an older wish says nothing of this one. */
const said = Prisma.sql`h."told" = d."generation"`
const columns = Prisma.sql`h."kind", h."thing"::text AS "thing", h."wanted",
  CASE WHEN ${said} THEN h."attempts" ELSE 0 END AS "attempts", CASE WHEN ${said} THEN h."dueAt" END AS "dueAt",
  CASE WHEN ${said} THEN h."error" END AS "error", CASE WHEN ${said} THEN h."waitsFor" END AS "waitsFor", ${since} AS "since"`
type Row = Omit<Unconfirmed, 'error'> & { error: string | null }
const read = <R extends { error: string | null }>(row: R) => ({
  ...row,
  error: row.error === null ? null : errorIn(row.error),
})

/** Those of these things that the host has not confirmed, what has waited longest first. One query. */
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

/** `error`: what it says of the newest wish of one of them that it has not confirmed. */
type Answer = { hostId: string; isConfirmed: boolean; error: DriverError | null }

/**
 * What each host that is up and is to have one of these (not `wanted`: to be without it) has said of all of them that
 * it is to have. One query.
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

/** All of a host, what has waited longest first, from after a `marker` on. One query. */
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

/** How many each of these hosts has not confirmed; those without any are missing. One query. */
export async function unconfirmedCounts(
  ctx: Ctx,
  hostIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await ctx.db.$queryRaw<{ hostId: string; count: number }[]>`
    SELECT h."hostId"::text AS "hostId", count(*)::int AS "count" FROM ${rowsOf}
    WHERE h."hostId" = ANY(${[...hostIds]}::uuid[]) GROUP BY h."hostId"`
  return new Map(rows.map((row) => [row.hostId, row.count]))
}

/** All of a host is to be told now, but for what is being told at this moment; how much that is. */
export function makeDue(ctx: Ctx, hostId: string): Promise<number> {
  return ctx.db.$executeRaw`
    WITH late AS (SELECT h."kind", h."thing" FROM ${rowsOf} WHERE h."hostId" = ${hostId}::uuid
      ORDER BY 1, 2 FOR NO KEY UPDATE OF h SKIP LOCKED)
    UPDATE "HostDocument" h SET "dueAt" = now() FROM late
    WHERE h."hostId" = ${hostId}::uuid AND h."kind" = late."kind" AND h."thing" = late."thing"`
}

/** Condition: some host that is up has not confirmed the newest of the thing (an expression of type uuid). */
export const isUnconfirmedSomewhere = (kind: DocumentKind, thing: Prisma.Sql): Prisma.Sql => Prisma.sql`
  EXISTS (SELECT FROM "HostDocument" h JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
    JOIN "Host" o ON o."id" = h."hostId" AND o."state" = 'up'
    WHERE h."kind" = ${kind} AND h."thing" = ${thing} AND h."confirmed" < d."generation")`
