import fs from 'node:fs'
import { Prisma } from '@stratolith/db'
import type { HostFacts } from '@stratolith/drivers/hypervisor/interface'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Page } from '../kernel/contract.ts'
import { conflict, invalidInput, invariant, notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { answersAt, plainOp } from '../kernel/hosts.ts'
import { containing, pageOf } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { capacityOf } from './capacity.ts'
import type { HostView, hostListInput, hostUpdateInput } from './contract.ts'
import type { Egress } from './egress.ts'
import { unconfirmedCounts } from './unconfirmed.ts'

/** For later rooms, which enter here. */
export {
  defineDocument,
  deliver,
  deliverThings,
  doubt,
  errorOf,
  namesOf,
  renderDocuments,
  type ThingName,
  unconfirmed,
} from './documents.ts'
export { whyClosed } from './egress.ts'
export { findMachines, listZones, type Machine, type MachineQuery, uptimeOf } from './find.ts'

export { type Found, imageStorePlace, kept, sweep } from './keeping.ts'
export { guestText } from './put-back.ts'
export { forgetStrays, loadStray } from './strays.ts'
export { noteTakenBack, trashView } from './trash.ts'
export { type Unconfirmed, unconfirmedOf } from './unconfirmed.ts'
export { watchHostEvents } from './watch.ts'

type HostRow = NonNullable<Awaited<ReturnType<Ctx['db']['host']['findUnique']>>>
/** What one instance takes. */
export type Need = { vcpus: number; memoryMib: number; diskGib: number }

/** Administrators only. By name. */
export async function listHosts(ctx: Ctx, input: z.output<typeof hostListInput>): Promise<Page<HostView>> {
  authorize(ctx, 'hosts:list_hosts')
  const where = input.search ? { name: containing(input.search) } : {}
  const page = await pageOf<HostRow>(ctx.db.host, input, where, {
    orderBy: [{ name: input.sortDir }, { id: input.sortDir }],
  })
  const counts = await countsOf(ctx, page.items)
  return { ...page, items: page.items.map((row) => toView(row, counts(row.id))) }
}

/** Administrators only. Throws not_found. */
export async function getHost(ctx: Ctx, { id }: { id: string }): Promise<HostView> {
  authorize(ctx, 'hosts:get_host')
  return viewOf(ctx, await loadHost(ctx, id))
}

/** Opens or closes a host for new instances; those that run there go on. Closing needs a reason. */
export async function updateHost(ctx: Ctx, input: z.output<typeof hostUpdateInput>): Promise<HostView> {
  authorize(ctx, 'hosts:update_host')
  if (!input.enabled && !input.reason)
    throw invalidInput('Say why the host is disabled: others will ask.', 'reason')
  return inTransaction(ctx, async (tx) => {
    const before = await loadHost(tx, input.id)
    const row = await tx.db.host.update({
      where: { id: input.id },
      data: { enabled: input.enabled, disabledReason: input.enabled ? null : input.reason },
    })
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: input.enabled ? 'host.enable' : 'host.disable',
      resourceKind: 'host',
      resourceId: row.id,
      resourceName: row.name,
      projectId: null,
      input: { enabled: input.enabled, reason: input.reason ?? null, before: before.enabled },
    })
    await hostEvent(tx, row.id, 'updated')
    return viewOf(tx, row)
  })
}

/**
 * Forgets a machine that is gone for good; its agent would write it down again. Throws conflict while
 * the machine answers or is believed to have instances.
 */
export async function deleteHost(ctx: Ctx, { id }: { id: string }): Promise<void> {
  authorize(ctx, 'hosts:delete_host')
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await loadHost(tx, id)
    if (row.state === 'up')
      throw conflict(`Host ${row.name} answers. Stop its agent first, or it comes back.`)
    const { instances } = await viewOf(tx, row)
    if (instances > 0)
      throw conflict(`${instances} instances are on host ${row.name}. Delete them first.`, 'hostInUse')
    await tx.db.host.delete({ where: { id } })
    await tx.db.stray.deleteMany({ where: { hostId: id } })
    await tx.db.brake.deleteMany({ where: { hostId: id } })
    await tx.db.tombstone.deleteMany({ where: { hostId: id } })
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: 'host.delete',
      resourceKind: 'host',
      resourceId: id,
      resourceName: row.name,
      projectId: null,
      input: { endpoint: row.endpoint },
    })
    await hostEvent(tx, id, 'deleted')
  })
}

/**
 * Writes down a machine and what it can carry, as its agent tells. Called at every start; doing it
 * again refreshes facts and capacity and keeps what an administrator has set. Throws `unavailable`
 * when the agent does not answer, `conflict` when the name is that of another agent that does. Our own
 * processes only (systemCtx).
 */
export async function registerHost(
  ctx: Ctx,
  input: { name: string; endpoint: string },
): Promise<{ id: string }> {
  invariant(ctx.scope.kind === 'system', 'registerHost needs the system ctx')
  const replaced = await refuseTaken(ctx, input)
  const drivers = ctx.deps.hosts.at(input.endpoint)
  const op = plainOp(ctx, 60_000)
  const [facts, disk, { egress }] = await Promise.all([
    drivers.hypervisor.probe(op),
    drivers.storage.probe(op),
    drivers.network.probe(op),
  ])
  return inTransaction(ctx, async (tx) => {
    const id = crypto.randomUUID()
    // First the row (or nothing), then its lock: a claim may be changing the counters.
    await tx.db.$executeRaw`INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib")
      VALUES (${id}::uuid, ${input.name}, ${input.endpoint}, 0, 0, 0) ON CONFLICT ("name") DO NOTHING`
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "name" = ${input.name} FOR UPDATE`
    const row = await tx.db.host.findUniqueOrThrow({ where: { name: input.name } })
    // Somebody else was faster.
    if (![input.endpoint, replaced].includes(row.endpoint)) throw taken(row)
    const physical = { ...facts, egress, diskGib: disk.totalGib, diskFreeGib: disk.freeGib }
    const updated = await tx.db.host.update({
      where: { id: row.id },
      data: {
        endpoint: input.endpoint,
        accelerator: facts.accelerator,
        ...capacityOf(physical, { diskGib: row.diskGibUsed }, row),
        facts: physical,
        state: 'up',
        lastSeenAt: new Date(),
      },
    })
    if (row.id === id) await hostEvent(tx, id, 'created')
    else if (shown(row) !== shown(updated)) await hostEvent(tx, row.id, 'updated')
    return { id: row.id }
  })
}

/**
 * A second agent of the same name would take the row, and with it the guests, of the one that runs.
 * Returns the endpoint that may be replaced; null: there is none.
 */
async function refuseTaken(ctx: Ctx, input: { name: string; endpoint: string }): Promise<string | null> {
  const row = await ctx.db.host.findUnique({ where: { name: input.name } })
  if (!row || sameEndpoint(row.endpoint, input.endpoint)) return row?.endpoint ?? null
  if (await answersAt(ctx, row.endpoint)) throw taken(row)
  return row.endpoint
}

const taken = (row: { name: string; endpoint: string }) =>
  conflict(
    `Host ${row.name} is at ${row.endpoint} and answers there. Stop that agent first, or give this host another name.`,
  )

/** One socket may have two names: a folder above it can be a link. */
function sameEndpoint(one: string, other: string): boolean {
  const [a, b] = [one, other].map((endpoint) => {
    const file = endpoint.replace(/^unix:/, '')
    return file !== endpoint && fs.existsSync(file) ? fs.realpathSync(file) : endpoint
  })
  return a === b
}

/**
 * Takes room on a host for one instance: one conditional update, in the transaction that makes
 * (or moves) the instance. False when the host is full, disabled or down: choose another.
 */
export async function claimHost(ctx: Ctx, hostId: string, need: Need): Promise<boolean> {
  invariant(ctx.db !== ctx.deps.root, 'claimHost outside a transaction')
  const claimed = await ctx.db.$executeRaw(Prisma.sql`
    UPDATE "Host" SET "vcpusUsed" = "vcpusUsed" + ${need.vcpus}::int,
      "memoryMibUsed" = "memoryMibUsed" + ${need.memoryMib}::int,
      "diskGibUsed" = "diskGibUsed" + ${need.diskGib}::int
    WHERE "id" = ${hostId}::uuid AND "enabled" AND "state" = 'up'
      AND "vcpusUsed" + ${need.vcpus}::int <= "vcpus"
      AND "memoryMibUsed" + ${need.memoryMib}::int <= "memoryMib"
      AND "diskGibUsed" + ${need.diskGib}::int <= "diskGib"`)
  if (claimed === 1) await hostEvent(ctx, hostId, 'room')
  return claimed === 1
}

/**
 * Gives the room back, in the transaction that takes the instance off the host (sets its hostId to
 * null or makes it deleted): hosts.counters counts every instance with a hostId that is not deleted.
 */
export async function releaseHost(ctx: Ctx, hostId: string, need: Need): Promise<void> {
  invariant(ctx.db !== ctx.deps.root, 'releaseHost outside a transaction')
  await ctx.db.$executeRaw`
    UPDATE "Host" SET "vcpusUsed" = GREATEST("vcpusUsed" - ${need.vcpus}::int, 0),
      "memoryMibUsed" = GREATEST("memoryMibUsed" - ${need.memoryMib}::int, 0),
      "diskGibUsed" = GREATEST("diskGibUsed" - ${need.diskGib}::int, 0)
    WHERE "id" = ${hostId}::uuid`
  await hostEvent(ctx, hostId, 'room')
}

/**
 * Room for what is there already, whether or not there is any; in the transaction that gives it a row.
 * Returns the host's zone.
 */
export async function occupyHost(ctx: Ctx, hostId: string, need: Need): Promise<string> {
  invariant(ctx.db !== ctx.deps.root, 'occupyHost outside a transaction')
  const host = await ctx.db.host.update({
    where: { id: hostId },
    data: {
      vcpusUsed: { increment: need.vcpus },
      memoryMibUsed: { increment: need.memoryMib },
      diskGibUsed: { increment: need.diskGib },
    },
    select: { zone: true },
  })
  await hostEvent(ctx, hostId, 'room')
  return host.zone
}

/** Every host with its room, for the scheduler; the caller decides what of it a tenant may read. */
export async function hostsForPlacement(ctx: Ctx) {
  const rows = await ctx.db.host.findMany({ orderBy: { name: 'asc' }, omit: { facts: true } })
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    zone: row.zone,
    state: row.state,
    enabled: row.enabled,
    disabledReason: row.disabledReason,
    ...room(row),
  }))
}

/**
 * A change of a host that its page shows; in the transaction of the change. `room`: instances came or went,
 * which their own events tell; the audit log leaves it out.
 */
export async function hostEvent(
  ctx: Ctx,
  hostId: string,
  what: 'created' | 'updated' | 'deleted' | 'room',
): Promise<void> {
  await appendEvent(ctx, { kind: `host.${what}`, projectId: null, resourceKind: 'host', resourceId: hostId })
}

export async function loadHost(ctx: Ctx, id: string): Promise<HostRow> {
  const row = await ctx.db.host.findUnique({ where: { id } })
  if (!row) throw notFound('host', id)
  return row
}

async function viewOf(ctx: Ctx, row: HostRow): Promise<HostView> {
  return toView(row, (await countsOf(ctx, [row]))(row.id))
}

type Counts = Pick<HostView, 'instances' | 'unconfirmed'>
/** Two queries, however many hosts. */
async function countsOf(ctx: Ctx, rows: readonly HostRow[]): Promise<(id: string) => Counts> {
  const ids = rows.map((row) => row.id)
  const [instances, unconfirmed] = await Promise.all([instanceCounts(ctx, ids), unconfirmedCounts(ctx, ids)])
  return (id) => ({ instances: instances.get(id) ?? 0, unconfirmed: unconfirmed.get(id) ?? 0 })
}

async function instanceCounts(ctx: Ctx, ids: string[]): Promise<Map<string, number>> {
  const counts = await ctx.db.instance.groupBy({
    by: ['hostId'],
    where: { hostId: { in: ids }, vmState: { not: 'deleted' } },
    _count: true,
  })
  return new Map(counts.map((count) => [count.hostId ?? '', count._count]))
}

const room = (row: Omit<HostRow, 'facts'>) => ({
  vcpus: { used: row.vcpusUsed, total: row.vcpus },
  memoryMib: { used: row.memoryMibUsed, total: row.memoryMib },
  diskGib: { used: row.diskGibUsed, total: row.diskGib },
})

function toView(row: HostRow, counts: Counts): HostView {
  const facts = row.facts as Partial<HostFacts> & { egress?: Egress }
  return {
    id: row.id,
    name: row.name,
    zone: row.zone,
    state: row.state === 'up' ? 'up' : 'down',
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
    ...counts,
    lastSeenAt: row.lastSeenAt?.toISOString() ?? null,
  }
}

const shown = (row: HostRow): string =>
  JSON.stringify({ ...toView(row, { instances: 0, unconfirmed: 0 }), lastSeenAt: null })
