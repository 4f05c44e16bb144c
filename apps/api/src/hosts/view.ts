import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { appendEvent, appendEventsWith } from '../kernel/events.ts'
import type { Facts } from './capacity.ts'
import type { HostView } from './contract.ts'
import { hostEventOf } from './free-room.ts'
import { guests } from './guests.ts'
import { type HostState, hostStates, type Standing } from './states.ts'
import { unconfirmedCounts } from './unconfirmed.ts'

/** The rows for the view of hosts: the row that launches lock, with the last beat. */
export const withBeat = { beat: true } satisfies Prisma.HostInclude
export type HostRow = Prisma.HostGetPayload<{ include: typeof withBeat }>

export async function loadHost(ctx: Ctx, id: string): Promise<HostRow> {
  const row = await ctx.db.host.findUnique({ where: { id }, include: withBeat })
  if (!row) throw notFound('host', id)
  return row
}

export async function viewOf(ctx: Ctx, row: HostRow): Promise<HostView> {
  return toView(row, (await countsOf(ctx, [row]))(row.id))
}

type Counts = Pick<HostView, 'instances' | 'unconfirmed'>
/** The numbers of instances and of unconfirmed documents, in two queries for any number of hosts. */
export async function countsOf(ctx: Ctx, rows: readonly { id: string }[]): Promise<(id: string) => Counts> {
  const ids = rows.map((row) => row.id)
  const [instances, unconfirmed] = await Promise.all([guests().counts(ctx, ids), unconfirmedCounts(ctx, ids)])
  return (id) => ({ instances: instances.get(id)?.there ?? 0, unconfirmed: unconfirmed.get(id) ?? 0 })
}

export const room = (row: Omit<HostRow, 'beat'>) => ({
  vcpus: { used: row.vcpusUsed, total: row.vcpus },
  memoryMib: { used: row.memoryMibUsed, total: row.memoryMib },
  diskGib: { used: row.diskGibUsed, total: row.diskGib },
})

/** The facts that a host has reported; empty when it has never reported. */
export const factsOf = (row: { beat: { facts: unknown } | null }): Partial<Facts> =>
  (row.beat?.facts ?? {}) as Partial<Facts>

export const stateOf = (row: { state: string }): HostState =>
  hostStates.find((known) => known === row.state) ?? 'down'

export const standingOf = (row: { state: string; beat: { missed: number } | null }): Standing => ({
  state: stateOf(row),
  answers: row.beat !== null && row.beat.missed === 0,
})

export function toView(row: HostRow, counts: Counts): HostView {
  const facts = factsOf(row)
  return {
    id: row.id,
    name: row.name,
    zone: row.zone,
    ...standingOf(row),
    enabled: row.enabled,
    disabledReason: row.disabledReason,
    accelerator: row.accelerator,
    acceleratorReason: facts.acceleratorReason ?? null,
    isolation: facts.isolation ?? null,
    egress: facts.egress ?? null,
    hypervisor: [facts.hypervisor, facts.version].filter(Boolean).join(' '),
    cpuModel: facts.cpuModel ?? '',
    ...room(row),
    physical: { vcpus: facts.vcpus ?? 0, memoryMib: facts.memoryMib ?? 0, diskGib: facts.diskGib ?? 0 },
    diskFreeGib: facts.diskFreeGib ?? null,
    load: facts.load ?? null,
    ...counts,
    lastSeenAt: row.beat?.lastSeenAt?.toISOString() ?? null,
  }
}

/**
 * Appends events of a host's new state, in the transaction that changes the state. Projects with instances on the host
 * learn that one of their machines answers or does not answer, but not which host.
 */
export async function hostStateEvents(ctx: Ctx, hostId: string): Promise<void> {
  const projects = await guests().projectsOn(ctx, hostId)
  const machineEvents = projects.map((projectId) => ({
    kind: 'machine.updated',
    projectId,
    resourceKind: 'machine',
    resourceId: projectId,
  }))
  await appendEventsWith(ctx, [hostEventOf(hostId, 'updated'), ...machineEvents], [])
}

/** Appends the event of a change of a host, in the transaction of the change. */
export const hostEvent = (ctx: Ctx, hostId: string, what: Parameters<typeof hostEventOf>[1]) =>
  appendEvent(ctx, hostEventOf(hostId, what))
