import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { whole } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { driversOf } from './drivers.ts'
import { guests } from './guests.ts'
import { factsOf, stateOf, withBeat } from './view.ts'

/** A machine as OpenStack's hypervisors, services and zones show it. */
export type Machine = {
  id: string
  /** The id of the machine for older microversions, which want an integer. */
  number: number
  name: string
  zone: string
  up: boolean
  /** Whether an administrator has declared that the machine is off. */
  fenced: boolean
  enabled: boolean
  disabledReason: string | null
  hypervisor: string
  version: string
  cpuModel: string
  /** The size of the machine and the amounts in use. Units: vCPUs, MiB, GiB. */
  vcpus: { total: number; used: number }
  memoryMib: { total: number; used: number; reserved: number }
  diskGib: { total: number; used: number }
  /** The numbers of instances that run there, and of those with an action under way. */
  running: number
  busy: number
  instances: { id: string; name: string }[]
  lastSeenAt: Date | null
}

export type MachineQuery = {
  id?: string
  number?: number
  name?: string
  /** A part of the name. */
  namePart?: string
  limit?: number
  /** The number of the last machine of the previous page. */
  after?: number
  /** Whether the names of the instances are wanted, too. */
  withInstances?: boolean
}

const mostWhole = 10_000
/** Lists machines by number, for administrators. It makes at most three queries, whatever the number of machines. */
export async function findMachines(ctx: Ctx, query: MachineQuery = {}): Promise<Machine[]> {
  authorize(ctx, 'hosts:list_hosts')
  const where: Prisma.HostWhereInput = {
    ...(query.id === undefined ? {} : { id: query.id }),
    ...(query.name === undefined ? {} : { name: query.name }),
    ...(query.namePart === undefined
      ? {}
      : { name: { contains: query.namePart.replace(/[\\%_]/g, '\\$&') } }),
    number: { gt: query.after ?? 0, ...(query.number === undefined ? {} : { equals: query.number }) },
  }
  const { limit = mostWhole + 1 } = query
  const found = await ctx.db.host.findMany({
    where,
    orderBy: { number: 'asc' },
    take: limit,
    include: withBeat,
  })
  const rows = query.limit === undefined ? whole(found, mostWhole, 'Ask for pages of hypervisors.') : found
  const ids = rows.map((row) => row.id)
  const [counts, instances] = await Promise.all([
    guests().counts(ctx, ids),
    query.withInstances ? guests().on(ctx, ids) : [],
  ])
  const here = Map.groupBy(instances, (instance) => instance.hostId)
  return rows.map((row) => {
    const facts = factsOf(row)
    const count = counts.get(row.id)
    return {
      id: row.id,
      number: row.number,
      name: row.name,
      zone: row.zone,
      up: row.state === 'up',
      fenced: stateOf(row) === 'fenced',
      enabled: row.enabled,
      disabledReason: row.disabledReason,
      hypervisor: facts.hypervisor ?? '',
      version: facts.version ?? '',
      cpuModel: facts.cpuModel ?? '',
      vcpus: { total: facts.vcpus ?? row.vcpus, used: row.vcpusUsed },
      memoryMib: {
        total: facts.memoryMib ?? row.memoryMib,
        used: row.memoryMibUsed,
        reserved: row.memoryReserveMib,
      },
      diskGib: { total: facts.diskGib ?? row.diskGib, used: row.diskGibUsed },
      running: count?.running ?? 0,
      busy: count?.busy ?? 0,
      instances: (here.get(row.id) ?? []).map(({ id, name }) => ({ id, name })),
      lastSeenAt: row.beat?.lastSeenAt ?? null,
    }
  })
}

/** Asks the host for its uptime, in the form of uptime(1): " 08:32:11 up 1 day,  1:01,  0 users,  load average: 0.20, 0.12, 0.14". */
export async function uptimeOf(ctx: Ctx, hostId: string): Promise<string> {
  authorize(ctx, 'hosts:get_host')
  const { hypervisor } = await driversOf(ctx, hostId)
  const { uptimeSeconds, load } = await hypervisor.probe(plainOp(ctx))
  const minutes = Math.floor(uptimeSeconds / 60)
  const days = Math.floor(minutes / 1440)
  const clock = `${Math.floor((minutes % 1440) / 60)}:${String(minutes % 60).padStart(2, '0')}`
  const long = days === 0 ? '' : days === 1 ? '1 day, ' : `${days} days, `
  const averages = load.map((one) => one.toFixed(2)).join(', ')
  return ` ${new Date().toISOString().slice(11, 19)} up ${long}${clock},  0 users,  load average: ${averages}`
}

export type Zone = {
  name: string
  available: boolean
  hosts: { name: string; up: boolean; enabled: boolean; lastSeenAt: Date | null }[]
}
/** Lists all zones for everybody; their machines (`detail`) are for administrators. */
export async function listZones(ctx: Ctx, input: { detail: boolean }): Promise<Zone[]> {
  authorize(ctx, input.detail ? 'hosts:list_hosts' : 'hosts:list_zones')
  const rows = await ctx.db.host.findMany({
    select: { name: true, zone: true, state: true, enabled: true, beat: { select: { lastSeenAt: true } } },
    orderBy: [{ zone: 'asc' }, { name: 'asc' }],
  })
  const zones = Map.groupBy(rows, (row) => row.zone)
  return [...zones].map(([name, hosts]) => ({
    name,
    available: hosts.some((host) => host.state === 'up' && host.enabled),
    hosts: hosts.map((host) => ({
      name: host.name,
      up: host.state === 'up',
      enabled: host.enabled,
      lastSeenAt: host.beat?.lastSeenAt ?? null,
    })),
  }))
}
