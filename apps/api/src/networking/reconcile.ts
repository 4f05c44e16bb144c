import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { wishDigest } from '@stratolith/drivers/network/digest'
import type { NetworkDriver, ObservedNetwork } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import { z } from 'zod'
import type { StrayKind } from '../hosts/contract.ts'
import { deliver, doubt, type Found, sweep } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { callByCall, driversOf, eachOfMany, plainOp, whileAnswering } from '../kernel/hosts.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { type BuriedKind, buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { busyInstances } from './busy.ts'
import {
  addressSetSpecs,
  hostnamesOf,
  networkSpec,
  type PortForSpec,
  portSpec,
  portSpecInclude,
  routerSpecs,
  unnamed,
} from './specs.ts'

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
  const ports = await ctx.db.port.findMany({ where: { hostId }, include: portSpecInclude })
  const busy = await busyInstances(ctx, [
    ...ports.map((port) => port.deviceId),
    ...(await devicesOf(ctx, observed)),
  ])
  await removeLeftovers(ctx, op, { hostId, driver, observed, busy })
  await repair(ctx, op, {
    hostId,
    driver,
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
  const { kind, of, found, known, remove, unbraked } = part
  const ids = found.map(({ id }) => id)
  const here = new Set((await known(ids)).map((row) => row.id))
  const strangers = ids.filter((id) => !here.has(id))
  const buried = await buriedAmong(ctx, of, strangers, hostId)
  const isKnown = async (id: string) => (await known([id])).length > 0
  await sweep(ctx, { hostId, kind, found, known: here, buried, isKnown, unbraked }, ({ id }) => remove(id))
  await laidToRest(ctx, of, hostId, ids)
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

type Settled = { hostId: string; driver: NetworkDriver; observed: ObservedNetwork; ports: PortForSpec[] }

/**
 * States again what the host has not, or has otherwise: it may have been down when it changed. What
 * unknown guests may use stays as it is: by the rows a router has no leg in an unknown network, and a
 * group no unknown member.
 */
async function repair(ctx: Ctx, op: Op, { hostId, driver, observed, ports }: Settled): Promise<void> {
  const shared = await sharedWithStrays(ctx, hostId, observed)
  const isAsWished = (id: string, digest: () => string) => {
    try {
      return observed.digests[id] === digest()
    } catch {
      return false // A row that no host can honour: stating it marks the port and says why.
    }
  }
  // Whatever was bound before there were documents, or by a restored row, is needed, too.
  await ctx.db.$queryRaw`SELECT stratolith_needed(${ports.map((port) => port.id)}::uuid[])::text`
  const wrong = async (kind: DocumentKind, ids: readonly string[]) => {
    if (ids.length === 0) return
    ctx.log.info({ hostId, kind, ids: ids.slice(0, 20) }, 'a host has these otherwise than they should be')
    await doubt(ctx, hostId, kind, ids)
  }
  const networks = await ctx.db.network.findMany({
    where: { id: { in: [...uuids(observed.networks), ...ports.map((port) => port.networkId)] } },
    include: { subnets: true },
  })
  await wrong(
    'network',
    networks
      .map(networkSpec)
      .filter((spec) => !isAsWished(spec.id, () => wishDigest.network(spec)))
      .map((spec) => spec.id),
  )
  const rules = ports.flatMap((port) => port.securityGroups.flatMap((s) => s.group.rules))
  const named = [...new Set(rules.flatMap((rule) => rule.remoteGroupId ?? []))].filter((id) => !shared.has(id))
  const sets = [...(await addressSetSpecs(ctx, named)).values()]
  await wrong(
    'addressSet',
    sets.filter((set) => !isAsWished(set.id, () => wishDigest.addressSet(set))).map((set) => set.id),
  )
  const led = [...(await routersOf(ctx, observed, ports))].filter((id) => !shared.has(id))
  const routers = [...(await routerSpecs(ctx, led)).values()]
  await wrong(
    'router',
    routers.filter((spec) => !isAsWished(spec.id, () => wishDigest.router(spec))).map((spec) => spec.id),
  )
  const hostnames = await hostnamesOf(ctx, ports)
  const active = new Set(observed.ports.flatMap((port) => (port.state === 'active' ? port.id : [])))
  const isRight = (port: PortForSpec) => {
    const spec = portSpec(port, hostnames.get(port.deviceId) ?? unnamed(port.deviceId))
    const isUp = active.has(port.id) === spec.adminUp && port.state !== 'error'
    return isUp && isAsWished(port.id, () => wishDigest.port(spec))
  }
  await wrong(
    'port',
    ports.filter((port) => !isRight(port)).map((port) => port.id),
  )
  await deliver(ctx, op, hostId)
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

/** Routers that the host has, and those that lead out of networks of its ports. */
async function routersOf(ctx: Ctx, observed: ObservedNetwork, ports: PortForSpec[]): Promise<Set<string>> {
  const interfaces = await ctx.db.port.findMany({
    where: {
      deviceOwner: 'network:router_interface',
      networkId: { in: [...new Set(ports.map((port) => port.networkId))] },
    },
    select: { deviceId: true },
  })
  return new Set([...uuids(observed.routers), ...interfaces.map((port) => port.deviceId)])
}

/** Instances of the ports that the host has. */
async function devicesOf(ctx: Ctx, observed: ObservedNetwork): Promise<string[]> {
  const rows = await ctx.db.port.findMany({
    where: { id: { in: uuids(observed.ports.map((port) => port.id)) } },
    select: { deviceId: true },
  })
  return rows.map((row) => row.deviceId)
}
