import { Prisma } from '@stratolith/db'
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import type { Ctx } from '../kernel/context.ts'
import { rowsOf } from '../kernel/gathered.ts'
import type { HostState, Standing } from './states.ts'
import { factsOf, standingOf, stateOf } from './view.ts'

/** What later rooms ask of hosts. Who may know it has been asked before. */

/** How a host is reached. */
export type Reached = { id: string; name: string; endpoint: string; state: HostState }
export async function allHosts({ db }: Pick<Ctx, 'db'>): Promise<Reached[]> {
  const rows = await db.host.findMany({ select: { id: true, name: true, endpoint: true, state: true } })
  return rows.map((row) => ({ ...row, state: stateOf(row) }))
}

/** Those that answer. */
export async function hostsUp({ db }: Pick<Ctx, 'db'>): Promise<Omit<Reached, 'state'>[]> {
  const select = { id: true, name: true, endpoint: true }
  return db.host.findMany({ where: { state: 'up' }, select })
}

/** Null: there is no such host (any more). */
export async function hostState({ db }: Pick<Ctx, 'db'>, id: string): Promise<HostState | null> {
  const host = await db.host.findUnique({ where: { id }, select: { state: true } })
  return host && stateOf(host)
}

export async function endpointOf({ db }: Pick<Ctx, 'db'>, id: string): Promise<string | null> {
  return (await db.host.findUnique({ where: { id }, select: { endpoint: true } }))?.endpoint ?? null
}

export type HostRef = { id: string; name: string; state: string; enabled: boolean }
/** Of all hosts, or of these. Their names are for administrators. One query. */
export async function hostRefs({ db }: Pick<Ctx, 'db'>, ids?: readonly string[]): Promise<HostRef[]> {
  const where = ids === undefined ? {} : { id: { in: [...ids] } }
  return db.host.findMany({ where, select: { id: true, name: true, state: true, enabled: true } })
}

export async function hostIdNamed(ctx: Ctx, name: string): Promise<string | null> {
  return (await ctx.db.host.findUnique({ where: { name }, select: { id: true } }))?.id ?? null
}

export async function machineFacts(
  ctx: Ctx,
  id: string,
): Promise<{ hypervisor: string; accelerator: string } | null> {
  const host = await ctx.db.host.findUnique({ where: { id }, select: { beat: true, accelerator: true } })
  return host && { hypervisor: factsOf(host).hypervisor ?? '', accelerator: host.accelerator }
}

export type HostStanding = { id: string; name: string; standing: Standing; lastSeenAt: Date | null }
/** One query. */
export async function standingsOf(ctx: Ctx, ids: readonly string[]): Promise<HostStanding[]> {
  const hosts = await ctx.db.$queryRaw<
    { id: string; name: string; state: string; missed: number | null; lastSeenAt: Date | null }[]
  >`
    SELECT h."id"::text AS "id", h."name", h."state", b."missed", b."lastSeenAt"
    FROM "Host" h LEFT JOIN "HostBeat" b ON b."hostId" = h."id" WHERE h."id" = ANY(${[...ids]}::uuid[])`
  return hosts.map(({ missed, state, ...host }) => ({
    ...host,
    standing: standingOf({ state, beat: missed === null ? null : { missed } }),
  }))
}

/** Zones in which there are hosts, and whether one of these is up. By name. */
export async function zonesWithHosts(ctx: Ctx): Promise<{ name: string; available: boolean }[]> {
  const zones = await ctx.db.host.groupBy({ by: ['zone'], _count: true, orderBy: { zone: 'asc' } })
  const up = await ctx.db.host.groupBy({ by: ['zone'], where: { state: 'up' }, _count: true })
  return zones.map(({ zone }) => ({ name: zone, available: up.some((one) => one.zone === zone) }))
}

/** For lists that a later room filters, sorts and pages in its own words: hosts with what their last beat has brought. */
export const hostList = ({ db }: Ctx) => ({
  findMany: (args: Omit<Prisma.HostFindManyArgs, 'select' | 'include' | 'omit'>) =>
    db.host.findMany({ ...args, include: { beat: { select: { lastSeenAt: true } } } }),
  findFirst: (args: Prisma.HostFindFirstArgs) => db.host.findFirst(args),
})

/** What each host has confirmed of a kind, asked with all that ask at the same time. */
export const confirmedOf = (kind: DocumentKind) =>
  rowsOf<{ thing: string; confirmed: number; wanted: boolean }>((hosts) => ({
    key: Prisma.sql`"hostId"`,
    row: Prisma.sql`'thing', "thing", 'confirmed', "confirmed", 'wanted', "wanted"`,
    from: Prisma.sql`"HostDocument" WHERE "kind" = ${Prisma.raw(`'${kind}'`)} AND "hostId" = ANY(${[...hosts]}::uuid[])`,
  }))

/** `late`: the host has not confirmed its newest generation. */
export type Written = { kind: string; thing: string; wanted: boolean; generation: number; late: boolean }
/** What each host is to have or to be without, but for things of one kind. */
export const writtenBut = (kind: DocumentKind) =>
  rowsOf<Written>((hosts) => ({
    key: Prisma.sql`h."hostId"`,
    row: Prisma.sql`'kind', h."kind", 'thing', h."thing", 'wanted', h."wanted", 'generation', d."generation",
      'late', h."confirmed" < d."generation"`,
    from: Prisma.sql`"HostDocument" h JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
      WHERE h."hostId" = ANY(${[...hosts]}::uuid[]) AND h."kind" <> ${Prisma.raw(`'${kind}'`)}`,
  }))
