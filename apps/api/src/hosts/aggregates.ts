import type { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../kernel/errors.ts'
import { whole } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { guests } from './guests.ts'
import { hostEvent } from './view.ts'

/**
 * A group of hosts that an administrator has made. An aggregate with a zone decides the availability zone of its hosts;
 * the rest of its metadata is only kept.
 */
export type AggregateView = {
  id: number
  uuid: string
  name: string
  zone: string | null
  metadata: Record<string, string>
  /** The names of the hosts. */
  hosts: string[]
  createdAt: Date
  updatedAt: Date | null
}
/** The zone of hosts that are in no aggregate with a zone. */
const defaultZone = 'nova'
const most = 1000

/** The hosts come in the order of their ids, in which launches lock them, too. */
const withHosts = {
  hosts: { orderBy: { hostId: 'asc' }, include: { host: { select: { id: true, name: true, zone: true } } } },
} satisfies Prisma.AggregateInclude
type Row = Prisma.AggregateGetPayload<{ include: typeof withHosts }>
const viewOf = (row: Row): AggregateView => ({
  id: row.id,
  uuid: row.uuid,
  name: row.name,
  zone: row.zone,
  metadata: row.metadata as Record<string, string>,
  hosts: row.hosts.map(({ host }) => host.name).sort(),
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
})

/** All aggregates, or the one with that number. Throws not_found. */
export async function listAggregates(ctx: Ctx, id?: number): Promise<AggregateView[]> {
  authorize(ctx, 'hosts:list_aggregates')
  const rows = await ctx.db.aggregate.findMany({
    ...(id === undefined ? {} : { where: { id } }),
    include: withHosts,
    orderBy: { id: 'asc' },
    take: most + 1,
  })
  if (id !== undefined && rows.length === 0) throw notFound('aggregate', String(id))
  return whole(rows, most, 'Delete those that nobody needs.').map(viewOf)
}

export async function createAggregate(
  ctx: Ctx,
  input: { name: string; zone: string | null },
): Promise<AggregateView> {
  authorize(ctx, 'hosts:change_aggregates')
  return inTransaction(ctx, async (tx) => {
    const row = await tx.db.aggregate.create({ data: input, include: withHosts })
    await note(tx, row, 'create')
    return viewOf(row)
  })
}

type Change = {
  name?: string
  /** null: the hosts go back to the zone in which they would be without the aggregate. */
  zone?: string | null
  /** Keys to set or, with the value null, to remove. */
  metadata?: Record<string, string | null>
}

/** Changes an aggregate. Throws conflict when hosts that have instances would change their zone. */
export async function changeAggregate(ctx: Ctx, id: number, change: Change): Promise<AggregateView> {
  return changing(ctx, id, async (tx, before) => {
    if (change.zone !== undefined && change.zone !== before.zone)
      for (const { host } of before.hosts) await moveHost(tx, host, id, change.zone)
    const metadata = { ...(before.metadata as Record<string, string>) }
    for (const [key, value] of Object.entries(change.metadata ?? {}))
      if (value === null) delete metadata[key]
      else metadata[key] = value
    if (Object.keys(metadata).length > 128)
      throw invalidInput('An aggregate has at most 128 words of metadata.')
    return {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.zone === undefined ? {} : { zone: change.zone }),
      metadata,
    }
  })
}

/** Adds a host. Throws not_found; conflict when the host is in the aggregate already, or in another zone by another aggregate. */
export async function addAggregateHost(ctx: Ctx, id: number, hostName: string): Promise<AggregateView> {
  return changing(ctx, id, async (tx, before) => {
    const host = await tx.db.host.findUnique({
      where: { name: hostName },
      select: { id: true, name: true, zone: true },
    })
    if (!host) throw notFound('host', hostName)
    if (before.hosts.some((one) => one.hostId === host.id))
      throw conflict(`Aggregate ${id} already has host ${hostName}.`)
    if (before.zone !== null) await moveHost(tx, host, id, before.zone)
    return { hosts: { create: { hostId: host.id } } }
  })
}

export async function removeAggregateHost(ctx: Ctx, id: number, hostName: string): Promise<AggregateView> {
  return changing(ctx, id, async (tx, before) => {
    const found = before.hosts.find(({ host }) => host.name === hostName)
    if (!found) throw notFound('host of this aggregate', hostName)
    if (before.zone !== null) await moveHost(tx, found.host, id, null)
    return { hosts: { delete: { aggregateId_hostId: { aggregateId: id, hostId: found.hostId } } } }
  })
}

/** Deletes an aggregate. Throws conflict while it has hosts. */
export async function deleteAggregate(ctx: Ctx, id: number): Promise<void> {
  authorize(ctx, 'hosts:change_aggregates')
  await inTransaction(ctx, async (tx) => {
    const row = await lockedRow(tx, id)
    if (row.hosts.length > 0) throw conflict('Host aggregate is not empty: take its hosts out first.')
    await tx.db.aggregate.delete({ where: { id } })
    await note(tx, row, 'delete')
  })
}

async function changing(
  ctx: Ctx,
  id: number,
  change: (tx: Ctx, before: Row) => Promise<Prisma.AggregateUpdateInput>,
): Promise<AggregateView> {
  authorize(ctx, 'hosts:change_aggregates')
  return inTransaction(ctx, async (tx) => {
    const before = await lockedRow(tx, id)
    const data = { ...(await change(tx, before)), updatedAt: new Date() }
    const row = await tx.db.aggregate.update({ where: { id }, data, include: withHosts })
    await note(tx, row, 'update')
    return viewOf(row)
  })
}

async function lockedRow(ctx: Ctx, id: number): Promise<Row> {
  await ctx.db.$queryRaw`SELECT 1 FROM "Aggregate" WHERE "id" = ${id}::int FOR UPDATE`
  const row = await ctx.db.aggregate.findUnique({ where: { id }, include: withHosts })
  if (!row) throw notFound('aggregate', String(id))
  return row
}

/** Moves a host to another zone. Throws conflict when the host has instances, because the zone of an instance never changes. */
async function moveHost(
  ctx: Ctx,
  host: { id: string; name: string },
  aggregateId: number,
  zone: string | null,
): Promise<void> {
  // Launches claim their room on this row. The lock keeps new instances away until the check is over.
  const [row] = await ctx.db.$queryRaw<{ zone: string }[]>`
    SELECT "zone" FROM "Host" WHERE "id" = ${host.id}::uuid FOR UPDATE`
  const other = await ctx.db.aggregate.findFirst({
    where: { id: { not: aggregateId }, zone: { not: null }, hosts: { some: { hostId: host.id } } },
  })
  if (other && zone !== null && other.zone !== zone)
    throw conflict(
      `Host ${host.name} is in availability zone ${other.zone} by aggregate ${other.id} already.`,
    )
  const wanted = zone ?? other?.zone ?? defaultZone
  if (!row || row.zone === wanted) return
  const count = (await guests().counts(ctx, [host.id])).get(host.id)?.rows ?? 0
  if (count > 0)
    throw conflict(
      `Host ${host.name} has ${count} ${count === 1 ? 'instance' : 'instances'} in availability zone ${row.zone}, so it cannot leave that.`,
    )
  await ctx.db.host.update({ where: { id: host.id }, data: { zone: wanted } })
  await hostEvent(ctx, host.id, 'updated')
}

const note = (ctx: Ctx, row: Row, verb: 'create' | 'update' | 'delete') =>
  recordOperation(ctx, {
    id: crypto.randomUUID(),
    action: `aggregate.${verb}`,
    resourceKind: 'aggregate',
    resourceId: row.uuid,
    resourceName: row.name,
    projectId: null,
  })
