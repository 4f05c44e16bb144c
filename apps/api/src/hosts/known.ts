import { Prisma } from '@stratolith/db'
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import type { Ctx } from '../kernel/context.ts'
import { rowsOf } from '../kernel/gathered.ts'
import type { HostState, Standing } from './states.ts'
import { factsOf, standingOf, stateOf } from './view.ts'

/** Queries of hosts for other rooms, which must have authorized the caller before. */

/** A host and the endpoint by which it is reached. */
export type Reached = { id: string; name: string; endpoint: string; state: HostState }
export async function allHosts({ db }: Pick<Ctx, 'db'>): Promise<Reached[]> {
  const rows = await db.host.findMany({ select: { id: true, name: true, endpoint: true, state: true } })
  return rows.map((row) => ({ ...row, state: stateOf(row) }))
}

/** The hosts in the state `up`. */
export async function hostsUp({ db }: Pick<Ctx, 'db'>): Promise<Omit<Reached, 'state'>[]> {
  const select = { id: true, name: true, endpoint: true }
  return db.host.findMany({ where: { state: 'up' }, select })
}

/** `start`: another one after each start of the host's agent; null when the agent does not tell. */
export type StartedHost = { id: string; name: string; start: string | null }
/** The hosts in the state `up`, each with the start of its agent that it has told last. */
export const startedHosts = ({ db }: Pick<Ctx, 'db'>): Promise<StartedHost[]> =>
  db.$queryRaw<StartedHost[]>`
    SELECT h."id"::text AS "id", h."name", b."facts"->>'start' AS "start"
    FROM "Host" h LEFT JOIN "HostBeat" b ON b."hostId" = h."id" WHERE h."state" = 'up'`

/** The hosts whose agents have told facts without a `start`: their version is before that of ephemeral and swap disks. */
export async function hostsWithoutStart({ db }: Pick<Ctx, 'db'>): Promise<ReadonlySet<string>> {
  const rows = await db.$queryRaw<{ hostId: string }[]>`
    SELECT "hostId"::text AS "hostId" FROM "HostBeat" WHERE "facts" <> '{}' AND "facts"->'start' IS NULL`
  return new Set(rows.map(({ hostId }) => hostId))
}

/** The state of a host; null when there is no such host (any more). */
export async function hostState({ db }: Pick<Ctx, 'db'>, id: string): Promise<HostState | null> {
  const host = await db.host.findUnique({ where: { id }, select: { state: true } })
  return host && stateOf(host)
}

export async function endpointOf({ db }: Pick<Ctx, 'db'>, id: string): Promise<string | null> {
  return (await db.host.findUnique({ where: { id }, select: { endpoint: true } }))?.endpoint ?? null
}

export type HostRef = { id: string; name: string; state: string; enabled: boolean }
/** References to all hosts or to these, in one query. Names of hosts are for administrators. */
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

/**
 * The GiB of each host's disk that the cloud really has: those that are free and those that it has written, by the host's last report.
 * A host that has not told both is left out.
 */
export async function diskRooms(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const beats = await ctx.db.hostBeat.findMany({
    where: { hostId: { in: [...ids] } },
    select: { hostId: true, facts: true },
  })
  return new Map(
    beats.flatMap((beat): [string, number][] => {
      const { diskFreeGib, diskWrittenGib } = factsOf({ beat })
      const isTold = diskFreeGib !== undefined && diskWrittenGib !== undefined
      return isTold ? [[beat.hostId, diskFreeGib + diskWrittenGib]] : []
    }),
  )
}

export type HostStanding = { id: string; name: string; standing: Standing; lastSeenAt: Date | null }
/** The state and the last sign of life of these hosts, in one query. */
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

/** The zones that have hosts, by name, and whether a host of the zone is up. */
export async function zonesWithHosts(ctx: Ctx): Promise<{ name: string; available: boolean }[]> {
  const zones = await ctx.db.host.groupBy({ by: ['zone'], _count: true, orderBy: { zone: 'asc' } })
  const up = await ctx.db.host.groupBy({ by: ['zone'], where: { state: 'up' }, _count: true })
  return zones.map(({ zone }) => ({ name: zone, available: up.some((one) => one.zone === zone) }))
}

/** Hosts with their last beat, for lists that another room filters, sorts and pages. */
export const hostList = ({ db }: Ctx) => ({
  findMany: (args: Omit<Prisma.HostFindManyArgs, 'select' | 'include' | 'omit'>) =>
    db.host.findMany({ ...args, include: { beat: { select: { lastSeenAt: true } } } }),
  findFirst: (args: Prisma.HostFindFirstArgs) => db.host.findFirst(args),
})

/** Makes the function that reads what a host has confirmed of a kind; callers of the same time share a query. */
export const confirmedOf = (kind: DocumentKind) =>
  rowsOf<{ thing: string; confirmed: number; wanted: boolean }>((hosts) => ({
    key: Prisma.sql`"hostId"`,
    row: Prisma.sql`'thing', "thing", 'confirmed', "confirmed", 'wanted', "wanted"`,
    from: Prisma.sql`"HostDocument" WHERE "kind" = ${Prisma.raw(`'${kind}'`)} AND "hostId" = ANY(${[...hosts]}::uuid[])`,
  }))

/** A recorded document of a host; `late`: the host has not confirmed its newest generation. */
export type Written = { kind: string; thing: string; wanted: boolean; generation: number; late: boolean }
/** Makes the function that reads the recorded documents of a host, except those of one kind. */
export const writtenBut = (kind: DocumentKind) =>
  rowsOf<Written>((hosts) => ({
    key: Prisma.sql`h."hostId"`,
    row: Prisma.sql`'kind', h."kind", 'thing', h."thing", 'wanted', h."wanted", 'generation', d."generation",
      'late', h."confirmed" < d."generation"`,
    from: Prisma.sql`"HostDocument" h JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
      WHERE h."hostId" = ANY(${[...hosts]}::uuid[]) AND h."kind" <> ${Prisma.raw(`'${kind}'`)}`,
  }))
