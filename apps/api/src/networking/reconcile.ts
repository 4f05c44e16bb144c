import { wishDigest } from '@stratolith/drivers/network/digest'
import type { NetworkDriver, ObservedNetwork, PortSpec } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import { z } from 'zod'
import type { StrayKind } from '../hosts/contract.ts'
import { deliver, doubt, type Found, renderDocuments, sweep } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { callByCall, driversOf, eachOfMany, plainOp, whileAnswering } from '../kernel/hosts.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { type BuriedKind, buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { busyInstances } from './busy.ts'

const isUuid = z.uuid()
/** What is not even an id of ours has no row. */
const uuids = (ids: readonly string[]) => ids.filter((id) => isUuid.safeParse(id).success)

/** A resource younger than this may be in the middle of its workflow. */
const graceMs = 60_000
/** So many hosts at the same time; how long one may take in a round, and each call to it. */
const hostsAtOnce = 8
const roundMs = 120_000
const callMs = 60_000

/** Every port, router, network and group of a host has its row, and every bound row is on its host, as it is now. */
defineReconciler({
  name: 'networking.hosts',
  everyMs: 30_000,
  run: reconcileNetworks,
})

/** Every host that answers; one that is silent or slow holds up no other. */
export async function reconcileNetworks(ctx: Ctx): Promise<void> {
  const hosts = await ctx.db.host.findMany({ where: { state: 'up' }, select: { id: true } })
  await eachOfMany(hosts, hostsAtOnce, ({ id: hostId }) =>
    reconcileHost(ctx, hostId).catch((error) =>
      ctx.log.warn({ err: error, hostId }, 'host could not be reconciled'),
    ),
  )
}

export async function reconcileHost(ctx: Ctx, hostId: string): Promise<void> {
  const drivers = await driversOf(ctx, hostId)
  await whileAnswering(plainOp(ctx, roundMs), drivers, (round) =>
    settleHost(ctx, callByCall(ctx, round, callMs), hostId, drivers.network),
  )
}

async function settleHost(ctx: Ctx, op: Op, hostId: string, driver: NetworkDriver): Promise<void> {
  // The host first, the rows after: so whatever is on it has had its row by then.
  const observed = await driver.list(op)
  const ports = await ctx.db.port.findMany({
    where: { hostId },
    select: { id: true, deviceId: true, createdAt: true, state: true },
  })
  const busy = await busyInstances(ctx, [
    ...ports.map((port) => port.deviceId),
    ...(await devicesOf(ctx, observed)),
  ])
  await removeLeftovers(ctx, op, { hostId, driver, observed, busy })
  await repair(ctx, op, {
    hostId,
    observed,
    ports: ports.filter(
      (port) => Date.now() - port.createdAt.getTime() >= graceMs && !busy.has(port.deviceId),
    ),
  })
}

type Place = { hostId: string; driver: NetworkDriver; observed: ObservedNetwork; busy: ReadonlySet<string> }

type Part = {
  kind: StrayKind
  of: BuriedKind
  found: readonly Found[]
  /** Which of these belong here, by their rows. */
  known: (ids: readonly string[]) => Promise<{ id: string }[]>
  remove: (id: string) => Promise<void>
  held?: ReadonlySet<string>
  unbraked?: boolean
}

/** What has been deleted goes; what nobody knows is left and written down (hosts/keeping.ts). */
async function removeLeftovers(ctx: Ctx, op: Op, place: Place): Promise<void> {
  const { driver, observed } = place
  const plain = (values: readonly string[]) => values.map((id) => ({ id }))
  const where = (ids: readonly string[]) => ({ where: { id: { in: uuids(ids) } }, select: { id: true } })
  const parts: Part[] = [
    {
      kind: 'port',
      of: 'port',
      found: observed.ports.map(({ id, tap, instanceId }) => ({
        id,
        facts: { details: tap, ...(instanceId ? { instanceId } : {}) },
      })),
      known: (ids) => portsHere(ctx, place, ids),
      held: await portsOfUnknown(ctx, place),
      remove: (id) => driver.removePort(op, id),
    },
    {
      kind: 'router',
      of: 'router',
      found: plain(observed.routers),
      known: (ids) => ctx.db.router.findMany(where(ids)),
      remove: (id) => driver.removeRouter(op, id),
    },
    {
      kind: 'network',
      of: 'network',
      found: plain(observed.networks),
      known: (ids) => ctx.db.network.findMany(where(ids)),
      remove: (id) => driver.removeNetwork(op, id),
    },
    {
      kind: 'addressSet',
      of: 'securityGroup',
      found: plain(observed.addressSets),
      known: (ids) => ctx.db.securityGroup.findMany(where(ids)),
      remove: (id) => driver.removeAddressSet(op, id),
      // A list of addresses that no rule names any more; its group's deletion leaves it to this round.
      unbraked: true,
    },
  ]
  for (const part of parts) await sweepPart(ctx, place.hostId, part)
}

async function sweepPart(ctx: Ctx, hostId: string, part: Part): Promise<void> {
  const { kind, of, found, known, remove, held, unbraked } = part
  const ids = found.map(({ id }) => id)
  const here = new Set((await known(ids)).map((row) => row.id))
  const strangers = ids.filter((id) => !here.has(id))
  const buried = await buriedAmong(ctx, of, strangers, hostId)
  const isKnown = async (id: string) => (await known([id])).length > 0
  await sweep(ctx, { hostId, kind, found, known: here, buried, isKnown, held, unbraked }, ({ id }) =>
    remove(id),
  )
  await laidToRest(ctx, of, hostId, ids)
}

/** A guest that nobody knows goes before its ports do: until then they are part of what is told of it. */
async function portsOfUnknown(ctx: Ctx, { hostId, observed }: Place): Promise<Set<string>> {
  const guests = await ctx.db.stray.findMany({ where: { hostId, kind: 'guest' }, select: { thing: true } })
  const unknown = new Set(guests.map(({ thing }) => thing))
  return new Set(observed.ports.filter((port) => unknown.has(port.instanceId)).map(({ id }) => id))
}

/** Those whose row says that they are there, and those of instances that an operation is at work on. */
async function portsHere(ctx: Ctx, { hostId }: Place, ids: readonly string[]): Promise<{ id: string }[]> {
  const rows = await ctx.db.port.findMany({
    where: { id: { in: uuids(ids) } },
    select: { id: true, hostId: true, deviceId: true },
  })
  const elsewhere = rows.filter((port) => port.hostId !== hostId)
  const busy = await busyInstances(
    ctx,
    elsewhere.map((port) => port.deviceId),
  )
  return rows.filter((port) => port.hostId === hostId || busy.has(port.deviceId))
}

type Settled = { hostId: string; observed: ObservedNetwork; ports: { id: string; state: string }[] }

/**
 * States again what the host has not, or has otherwise: it may have been down when it changed. What
 * unknown guests may use stays as it is: by the rows a router has no leg in an unknown network, and a
 * group no unknown member.
 */
async function repair(ctx: Ctx, op: Op, { hostId, observed, ports }: Settled): Promise<void> {
  const left = await sharedWithStrays(ctx, hostId, observed)
  const settled = new Set(ports.map((port) => port.id))
  // Whatever was bound before there were documents, or by a restored row, is needed, too.
  await ctx.db.$queryRaw`SELECT stratolith_needed(${[...settled]}::uuid[])::text`
  const wanted = await ctx.db.hostDocument.findMany({
    where: { hostId, wanted: true },
    select: { kind: true, thing: true },
  })
  const isUp = new Map(observed.ports.map((port) => [port.id, port.state === 'active']))
  const failed = new Set(ports.flatMap((port) => (port.state === 'error' ? port.id : [])))
  for (const [kind, isAsWished] of Object.entries(comparisons(observed, isUp)) as [Kind, IsAsWished][]) {
    const ids = wanted
      .filter((one) => one.kind === kind && !left.has(one.thing))
      .map((one) => one.thing)
      .filter((id) => kind !== 'port' || settled.has(id))
    const specs = await renderDocuments(ctx, kind, ids)
    const wrong = [...specs].filter(([id, spec]) => failed.has(id) || !isAsWished(id, spec)).map(([id]) => id)
    if (wrong.length === 0) continue
    ctx.log.info({ hostId, kind, ids: wrong.slice(0, 20) }, 'a host has these otherwise than they should be')
    await doubt(ctx, hostId, kind, wrong)
  }
  await deliver(ctx, op, hostId)
}

type Kind = keyof typeof wishDigest
type IsAsWished = (id: string, spec: unknown) => boolean

/** By kind: does the host have it as it should be? What no host can honour it has not: telling it says why. */
function comparisons(
  { digests }: ObservedNetwork,
  isUp: ReadonlyMap<string, boolean>,
): Record<Kind, IsAsWished> {
  const by =
    <K extends Kind>(kind: K): IsAsWished =>
    (id, spec) => {
      try {
        return digests[id] === wishDigest[kind](spec as never)
      } catch {
        return false
      }
    }
  return {
    network: by('network'),
    addressSet: by('addressSet'),
    router: by('router'),
    port: (id, spec) => isUp.get(id) === (spec as PortSpec).adminUp && by('port')(id, spec),
  }
}

/** Routers and groups that the host has, while it also has ports or networks that no row knows. */
async function sharedWithStrays(
  ctx: Ctx,
  hostId: string,
  { routers, addressSets }: ObservedNetwork,
): Promise<Set<string>> {
  const strays = await ctx.db.stray.count({ where: { hostId, kind: { in: ['port', 'network'] } } })
  return new Set(strays > 0 ? [...routers, ...addressSets] : [])
}

/** Instances of the ports that the host has. */
async function devicesOf(ctx: Ctx, observed: ObservedNetwork): Promise<string[]> {
  const rows = await ctx.db.port.findMany({
    where: { id: { in: uuids(observed.ports.map((port) => port.id)) } },
    select: { deviceId: true },
  })
  return rows.map((row) => row.deviceId)
}
