import fs from 'node:fs'
import { keptReport } from '@stratolith/drivers/host'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Page } from '../kernel/contract.ts'
import { conflict, invalidInput, invariant } from '../kernel/errors.ts'
import { answersAt, plainOp } from '../kernel/hosts.ts'
import { askOf, pageView } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { forgetTombstonesAt } from '../kernel/tombstones.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { noteReport } from './beat.ts'
import { capacityOf, factsIn, type Need } from './capacity.ts'
import type { HostView, hostListInput, hostUpdateInput } from './contract.ts'
import { queryHosts, sortableHosts } from './queries.ts'
import { hostCan } from './states.ts'
import { countsOf, hostEvent, loadHost, toView, viewOf, withBeat } from './view.ts'

/** The functions that other rooms may call. */
export {
  type AggregateView,
  addAggregateHost,
  changeAggregate,
  createAggregate,
  deleteAggregate,
  listAggregates,
  removeAggregateHost,
} from './aggregates.ts'
export type { Need } from './capacity.ts'
export {
  type DocumentRoom,
  defineDocument,
  namesOf,
  renderDocuments,
  type Said,
  type ThingName,
} from './document-rooms.ts'
export { deliver, deliverThings, doubt, errorOf } from './documents.ts'
export { driversOf } from './drivers.ts'
export { whyClosed } from './egress.ts'
export { fenceHost, unfenceHost } from './fencing.ts'
export { findMachines, listZones, type Machine, type MachineQuery, uptimeOf } from './find.ts'
export {
  claimHost,
  claimHosts,
  hostsForPlacement,
  type PlacementHost,
  rememberedHosts,
  withTaken,
} from './free-room.ts'
export { defineGuests, defineTaker, type Guests } from './guests.ts'
export { giveRoomBack, knownNowhere, letGoOf, releaseHost, stillKnown } from './held.ts'
export { heldAmong, heldIn, heldOf, isHeld, isHeldBriefly, releasedFrom } from './held-addresses.ts'
export { type Found, imageStorePlace, kept, sweep } from './keeping.ts'
export {
  allHosts,
  confirmedOf,
  diskRooms,
  endpointOf,
  type HostRef,
  hostIdNamed,
  hostList,
  hostRefs,
  hostState,
  hostsUp,
  hostsWithoutStart,
  machineFacts,
  type StartedHost,
  standingsOf,
  startedHosts,
  type Written,
  writtenBut,
  zonesWithHosts,
} from './known.ts'
export { guestText } from './put-back.ts'
export { type Absence, absenceOf, hearing, type Standing } from './states.ts'
export { describedStrays, forgetStrays, hostNames, loadStray, straysAt } from './strays.ts'
export { noteTakenBack, trashView } from './trash.ts'
export { answersOf, isUnconfirmedSomewhere, type Unconfirmed, unconfirmedOf } from './unconfirmed.ts'
export { watchHostEvents } from './watch.ts'

type Refusal = (ctx: Ctx, hostId: string) => Promise<string | null>
const refusals: Refusal[] = []
/** Registers a sentence that refuses the deletion of a host, because the room's things are there. */
export const refuseHostDelete = (refusal: Refusal): void => void refusals.push(refusal)

/** Lists hosts by name. Administrators only. */
export async function listHosts(ctx: Ctx, input: z.output<typeof hostListInput>): Promise<Page<HostView>> {
  const slice = await queryHosts(ctx, {
    where: input,
    ...askOf(input, sortableHosts, [{ field: 'name', dir: input.sortDir }]),
  })
  const counts = await countsOf(ctx, slice.rows)
  return pageView(
    slice,
    slice.rows.map((row) => toView(row, counts(row.id))),
  )
}

/** One host. Administrators only. Throws not_found. */
export async function getHost(ctx: Ctx, { id }: { id: string }): Promise<HostView> {
  authorize(ctx, 'hosts:get_host')
  return viewOf(ctx, await loadHost(ctx, id))
}

/** Opens or closes a host for new instances; the present ones go on. Closing needs a reason. */
export async function updateHost(ctx: Ctx, input: z.output<typeof hostUpdateInput>): Promise<HostView> {
  authorize(ctx, 'hosts:update_host')
  if (!input.enabled && !input.reason)
    throw invalidInput('Say why the host is disabled: others will ask.', 'reason')
  return inTransaction(ctx, async (tx) => {
    const before = await loadHost(tx, input.id)
    const row = await tx.db.host.update({
      where: { id: input.id },
      data: { enabled: input.enabled, disabledReason: input.enabled ? null : input.reason },
      include: withBeat,
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
 * Deletes the row of a machine that is gone for good; an agent that still ran would register it again. Throws conflict
 * while the machine answers or has instances by their rows.
 */
export async function deleteHost(ctx: Ctx, { id }: { id: string }): Promise<void> {
  authorize(ctx, 'hosts:delete_host')
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await loadHost(tx, id)
    const view = await viewOf(tx, row)
    const allowed = hostCan.delete({ ...view, instances: 0 })
    if (allowed !== true) throw conflict(`Host ${row.name}: ${allowed}`)
    if (view.instances > 0)
      throw conflict(`${view.instances} instances are on host ${row.name}. Delete them first.`, 'hostInUse')
    for (const refusal of refusals) {
      const why = await refusal(tx, id)
      if (why !== null) throw conflict(why, 'hostInUse')
    }
    await tx.db.host.delete({ where: { id } })
    await tx.db.stray.deleteMany({ where: { hostId: id } })
    await tx.db.brake.deleteMany({ where: { hostId: id } })
    await forgetTombstonesAt(tx, id)
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
 * Registers a machine with the facts and the capacity that its agent reports. It is called at every start; another call
 * refreshes facts and capacity and keeps what an administrator has set. Throws `unavailable`
 * when the agent does not answer, `conflict` when another agent that answers has the name. Only for our own
 * processes (systemCtx).
 */
export async function registerHost(
  ctx: Ctx,
  input: { name: string; endpoint: string },
): Promise<{ id: string }> {
  invariant(ctx.scope.kind === 'system', 'registerHost needs the system ctx')
  const replaced = await refuseTaken(ctx, input)
  const report = keptReport.parse(await ctx.deps.hosts.at(input.endpoint).report(plainOp(ctx, 60_000)))
  return inTransaction(ctx, async (tx) => {
    const id = crypto.randomUUID()
    // The row is inserted if it is missing and then locked, because a claim may be changing its counters.
    await tx.db.$executeRaw`INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib")
      VALUES (${id}::uuid, ${input.name}, ${input.endpoint}, 0, 0, 0) ON CONFLICT ("name") DO NOTHING`
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "name" = ${input.name} FOR UPDATE`
    const row = await tx.db.host.findUniqueOrThrow({ where: { name: input.name } })
    // Another registration was faster.
    if (![input.endpoint, replaced].includes(row.endpoint)) throw taken(row)
    await tx.db.host.update({
      where: { id: row.id },
      data: {
        endpoint: input.endpoint,
        accelerator: report.machine.accelerator,
        ...capacityOf(factsIn(report), { diskGib: row.diskGibUsed }, row),
        // A host that was down is up at the next beat, and a fenced host when its fencing is taken back (reconcile.ts).
        ...(row.state === 'suspect' ? { state: 'up' } : {}),
      },
    })
    await noteReport(tx, row.id, report)
    await hostEvent(tx, row.id, row.id === id ? 'created' : 'updated')
    return { id: row.id }
  })
}

/**
 * Refuses a second agent of the same name, which would take over the row, and so the guests, of the agent that runs.
 * Returns the endpoint that may be replaced; null when there is none.
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

/** True when both endpoints are the same socket, also by two paths (a folder in a path can be a link). */
function sameEndpoint(one: string, other: string): boolean {
  const [a, b] = [one, other].map((endpoint) => {
    const file = endpoint.replace(/^unix:/, '')
    return file !== endpoint && fs.existsSync(file) ? fs.realpathSync(file) : endpoint
  })
  return a === b
}

/**
 * Counts the room of a guest that is on the host already, even when the host is full. Call this in the transaction that
 * gives the guest a row. Returns the host's zone.
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
