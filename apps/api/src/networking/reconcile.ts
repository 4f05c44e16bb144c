import { createHash } from 'node:crypto'
import { Prisma } from '@stratolith/db'
import type { HostDrivers } from '@stratolith/drivers/host'
import { wishDigest } from '@stratolith/drivers/network/digest'
import type { ObservedNetwork, PortSpec } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import pLimit from 'p-limit'
import type { StrayKind } from '../hosts/contract.ts'
import {
  deliver,
  doubt,
  driversOf,
  type Found,
  hostsUp,
  letGoOf,
  renderDocuments,
  straysAt,
  sweep,
  type Written,
  writtenBut,
} from '../hosts/service.ts'
import { busyAmong } from '../kernel/busy.ts'
import type { Ctx } from '../kernel/context.ts'
import { among, gathered, rowsOf, uuids } from '../kernel/gathered.ts'
import { callByCall, plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { settleUntold } from './ports/outcomes.ts'

/** A resource younger than this may be in the middle of its workflow. */
const grace = Prisma.sql`interval '1 minute'`
/**
 * So many hosts are reconciled at the same time and share their queries; a host may take so long in a round, and each
 * call to it so long.
 */
const hostsAtOnce = 64
const roundMs = 120_000
const callMs = 60_000

/**
 * Makes hosts and rows equal: everything of a network on a host has its row, and every bound row is on its host, as it
 * is now.
 */
export const networkingReconciler: Reconciler = {
  name: 'networking.hosts',
  everyMs: 30_000,
  run: reconcileNetworks,
}

/** Reconciles every host that answers; a host that is silent or slow holds up no other. */
export async function reconcileNetworks(ctx: Ctx): Promise<void> {
  const hosts = await hostsUp(ctx)
  const there = new Set(hosts.map((host) => host.id))
  for (const id of proven.keys()) if (!there.has(id)) proven.delete(id)
  await pLimit(hostsAtOnce).map(hosts, ({ id: hostId, endpoint }) =>
    reconcileDrivers(ctx, hostId, ctx.deps.hosts.at(endpoint)).catch((error) =>
      ctx.log.warn({ err: error, hostId }, 'host could not be reconciled'),
    ),
  )
  await settleUntold(ctx)
}

export async function reconcileHost(ctx: Ctx, hostId: string): Promise<void> {
  await reconcileDrivers(ctx, hostId, await driversOf(ctx, hostId))
}

async function reconcileDrivers(ctx: Ctx, hostId: string, drivers: HostDrivers): Promise<void> {
  await whileAnswering(plainOp(ctx, roundMs), drivers, (round) =>
    settleHost(ctx, callByCall(ctx, round, callMs), hostId, drivers.network),
  )
}

async function settleHost(ctx: Ctx, op: Op, hostId: string, driver: HostDrivers['network']): Promise<void> {
  const before = await writtenAt(ctx, hostId)
  // The host is asked before the rows are read, so whatever the host lists had its row by then.
  const observed = await driver.list(op)
  const ports = await portsBoundTo(ctx, hostId)
  const bound = new Set(ports.map((port) => port.id))
  const others = observed.ports.map((port) => port.id).filter((id) => !bound.has(id))
  const devices = [...ports, ...(await portRows(ctx, others))].map((port) => port.deviceId)
  const busy = await busyInstances(ctx, devices)
  await removeLeftovers(ctx, op, { hostId, driver, observed, busy })
  await repair(ctx, op, {
    hostId,
    observed,
    before,
    ports: ports.filter((port) => !port.young && !busy.has(port.deviceId)),
  })
}

/** An operation on an instance may be changing the ports of the instance. */
const busyInstances = busyAmong('instance')

const portsBoundTo = rowsOf<BoundPort>((hosts) => ({
  key: Prisma.sql`"hostId"`,
  row: Prisma.sql`'id', "id", 'deviceId', "deviceId", 'state', "state", 'young', "createdAt" > now() - ${grace}`,
  from: Prisma.sql`"Port" WHERE "hostId" = ANY(${[...hosts]}::uuid[])`,
}))
type BoundPort = { id: string; deviceId: string; state: string; young: boolean }

type PortRow = { id: string; hostId: string | null; deviceId: string }
const portRows = gathered(64, async ({ deps }, asked: readonly (readonly string[])[]) => {
  const [found] = await deps.root.$queryRaw<{ rows: PortRow[] | null }[]>`
    SELECT json_agg(json_build_object('id', "id", 'hostId', "hostId", 'deviceId', "deviceId")) AS "rows"
    FROM "Port" WHERE "id" = ANY(${uuids(asked.flat())}::uuid[])`
  const byId = new Map(found?.rows?.map((row) => [row.id, row]))
  return asked.map((ids) => ids.flatMap((id) => byId.get(id) ?? []))
})

const idsIn = (table: 'Router' | 'Network' | 'SecurityGroup') =>
  among(
    ({ deps }, ids) => deps.root.$queryRaw`
      SELECT "id"::text FROM ${Prisma.raw(`"${table}"`)} WHERE "id" = ANY(${uuids(ids)}::uuid[])`,
  )
const knownIn = { router: idsIn('Router'), network: idsIn('Network'), addressSet: idsIn('SecurityGroup') }

const unknownAt = straysAt(['guest', 'port', 'network'])
const writtenAt = writtenBut('instance')

const keyOf = ({ kind, thing, generation }: Written) => `${kind}/${thing}/${generation}`

/**
 * Writes down what ports need that were bound without documents: by a version before there were any, or by a restored
 * row.
 */
const need = gathered(64, async ({ deps }, asked: readonly (readonly string[])[]) => {
  await deps.root.$queryRaw`SELECT stratolith_needed(${asked.flat()}::uuid[])::text`
  return asked.map(() => undefined)
})

type Wishes = { kind: Kind; ids: readonly string[] }
/** The document of a network or group that many hosts have is made once for all hosts that are looked at. */
const rendered = gathered(32, async (ctx, asked: readonly Wishes[]) => {
  const bodies = new Map<Kind, ReadonlyMap<string, unknown>>()
  for (const [kind, wishes] of Map.groupBy(asked, (one) => one.kind))
    bodies.set(kind, await renderDocuments(ctx, kind, [...new Set(wishes.flatMap(({ ids }) => ids))]))
  return asked.map(({ kind, ids }) =>
    ids.flatMap((id) => {
      const spec = bodies.get(kind)?.get(id)
      return spec === undefined ? [] : [[id, spec] as const]
    }),
  )
})

type Place = {
  hostId: string
  driver: HostDrivers['network']
  observed: ObservedNetwork
  busy: ReadonlySet<string>
}

type Part = {
  kind: StrayKind
  of: string
  found: readonly Found[]
  /** Returns those of the IDs whose rows say that they belong on this host. */
  known: (ids: readonly string[]) => Promise<ReadonlySet<string>>
  remove: (id: string) => Promise<void>
  held?: ReadonlySet<string>
  unbraked?: boolean
}

/** Removes what was deleted on purpose; things that no row knows are left and written down (hosts/keeping.ts). */
async function removeLeftovers(ctx: Ctx, op: Op, place: Place): Promise<void> {
  const { driver, observed } = place
  const plain = (values: readonly string[]) => values.map((id) => ({ id }))
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
      known: (ids) => knownIn.router(ctx, ids),
      remove: (id) => driver.removeRouter(op, id),
    },
    {
      kind: 'network',
      of: 'network',
      found: plain(observed.networks),
      known: (ids) => knownIn.network(ctx, ids),
      remove: (id) => driver.removeNetwork(op, id),
    },
    {
      kind: 'addressSet',
      of: 'securityGroup',
      found: plain(observed.addressSets),
      known: (ids) => knownIn.addressSet(ctx, ids),
      remove: (id) => driver.removeAddressSet(op, id),
      // The brake is not needed for a list of addresses that no rule names any more: the deletion of a group leaves its
      // list to this round.
      unbraked: true,
    },
  ]
  for (const part of parts) await sweepPart(ctx, place.hostId, part)
}

async function sweepPart(ctx: Ctx, hostId: string, part: Part): Promise<void> {
  const { kind, of, found, known, remove, held, unbraked } = part
  const ids = found.map(({ id }) => id)
  const here = await known(ids)
  const strangers = ids.filter((id) => !here.has(id))
  const buried = await buriedAmong(ctx, of, strangers, hostId)
  const isKnown = async (id: string) => (await known([id])).has(id)
  await sweep(ctx, { hostId, kind, found, known: here, buried, isKnown, held, unbraked }, ({ id }) =>
    remove(id),
  )
  await laidToRest(ctx, of, hostId, ids)
  await letGoOf(ctx, hostId, of, strangers)
}

/** Ports of a stray guest are held, because a guest must go before its ports do. */
async function portsOfUnknown(ctx: Ctx, { hostId, observed }: Place): Promise<Set<string>> {
  const strays = await unknownAt(ctx, hostId)
  const unknown = new Set(strays.flatMap(({ kind, thing }) => (kind === 'guest' ? thing : [])))
  return new Set(observed.ports.filter((port) => unknown.has(port.instanceId)).map(({ id }) => id))
}

/** Returns those of the ports that belong here: their rows say so, or an operation is at work on their instance. */
async function portsHere(ctx: Ctx, { hostId }: Place, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await portRows(ctx, ids)
  const elsewhere = rows.filter((port) => port.hostId !== hostId)
  const busy = await busyInstances(
    ctx,
    elsewhere.map((port) => port.deviceId),
  )
  const here = rows.filter((port) => port.hostId === hostId || busy.has(port.deviceId))
  return new Set(here.map((port) => port.id))
}

type Settled = {
  hostId: string
  /** What the host had confirmed before it was asked for its list. */
  before: readonly Written[]
  observed: ObservedNetwork
  ports: { id: string; state: string }[]
}

/**
 * Delivers documents again when the host lacks something or has it in another form: it may have been down during the
 * change. Things that unknown guests may use are left as they are, because the rows know nothing of these guests: a
 * repair would take a router's interface in an unknown network away, and a group's unknown members.
 */
async function repair(ctx: Ctx, op: Op, settled: Settled): Promise<void> {
  const { hostId, observed, ports } = settled
  const left = await sharedWithStrays(ctx, hostId, observed)
  const seen = digestOf({ observed, ports, left: [...left], written: await writtenAt(ctx, hostId) })
  const before = proven.get(hostId)
  if (before?.seen === seen && Date.now() < before.until) return
  proven.delete(hostId)
  if (await compare(ctx, settled, left))
    proven.set(hostId, { seen, until: Date.now() + provenMs * (0.5 + Math.random()) })
  else await deliver(ctx, op, hostId)
}

/**
 * Hosts that were found to be right, with a digest of what they have and of the generations of their documents. While
 * the digest is the same, the host's documents are not rendered and compared again. After some time they are, because
 * only a comparison finds a change that no trigger has counted; the time is random, so that not all hosts are compared
 * in the same round.
 */
const proven = new Map<string, { seen: string; until: number }>()
const provenMs = 600_000
/** The same for the same things in another order: the database returns rows as it finds them. */
const digestOf = ({ observed, ports, left, written }: Seen) =>
  createHash('sha256')
    .update(
      JSON.stringify([
        observed,
        ports.map(({ id, state }) => `${id} ${state}`).toSorted(),
        left.toSorted(),
        written.map((one) => `${keyOf(one)} ${one.wanted} ${one.late}`).toSorted(),
      ]),
    )
    .digest('base64')
type Seen = Pick<Settled, 'observed' | 'ports'> & { left: readonly string[]; written: readonly Written[] }

/**
 * Returns whether the host needs to be told nothing. What the host has in another form is marked, so that it is told
 * again.
 */
async function compare(
  ctx: Ctx,
  { hostId, before, observed, ports }: Settled,
  left: ReadonlySet<string>,
): Promise<boolean> {
  const settled = new Set(ports.map((port) => port.id))
  if (settled.size > 0) await need(ctx, [...settled])
  await writeDown(ctx, { hostId, before, observed }, left)
  const written = await writtenAt(ctx, hostId)
  const isUp = new Map(observed.ports.map((port) => [port.id, port.state === 'active']))
  const failed = new Set(ports.flatMap((port) => (port.state === 'error' ? port.id : [])))
  // What was told after `before` was read may have reached the host only after the host was asked.
  const stood = new Set(before.flatMap((one) => (one.late ? [] : keyOf(one))))
  const changed = new Set(written.flatMap((one) => (!one.late && stood.has(keyOf(one)) ? [] : one.thing)))
  let isRight = changed.size === 0
  for (const [kind, isAsWished] of Object.entries(comparisons(observed, isUp)) as [Kind, IsAsWished][]) {
    const ids = written
      .filter((one) => one.wanted && one.kind === kind && !left.has(one.thing))
      .filter((one) => !changed.has(one.thing) || failed.has(one.thing))
      .map((one) => one.thing)
      .filter((id) => kind !== 'port' || settled.has(id))
    const specs = ids.length === 0 ? [] : await rendered(ctx, { kind, ids })
    const wrong = specs.filter(([id, spec]) => failed.has(id) || !isAsWished(id, spec)).map(([id]) => id)
    if (wrong.length === 0) continue
    isRight = false
    ctx.log.info({ hostId, kind, ids: wrong.slice(0, 20) }, 'a host has these otherwise than they should be')
    await doubt(ctx, hostId, kind, wrong)
  }
  return isRight
}

type Kind = keyof typeof wishDigest
type IsAsWished = (id: string, spec: unknown) => boolean

/**
 * By kind, a function that answers whether the host has a thing as it should be. A spec that no host can carry out
 * counts as missing, because telling it again says why. A field that the host's version does not know counts only when
 * it is used (wishDigest).
 */
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

/**
 * Networks, routers and groups may be on the host without a record: an older version made them, or they were made after
 * the backup that was restored. As long as their rows exist they count as needed: they are kept as they should be, and
 * withdrawn when nothing needs them (hosts/withdrawal.ts).
 */
async function writeDown(
  ctx: Ctx,
  { hostId, before, observed }: Pick<Settled, 'hostId' | 'before' | 'observed'>,
  left: ReadonlySet<string>,
): Promise<void> {
  const written = new Set(before.map((one) => one.thing))
  const has = { network: observed.networks, router: observed.routers, addressSet: observed.addressSets }
  for (const [kind, ids] of Object.entries(has) as [keyof typeof has, string[]][]) {
    const unwritten = ids.filter((id) => !written.has(id) && !left.has(id))
    for (const id of unwritten.length === 0 ? [] : await knownIn[kind](ctx, unwritten))
      await ctx.db
        .$queryRaw`SELECT stratolith_need(ARRAY[${hostId}::uuid], ARRAY[${kind}], ARRAY[${id}::uuid])::text`
  }
}

/**
 * Returns the routers and groups of the host if it also has ports or networks that no row knows, which may use them.
 */
async function sharedWithStrays(
  ctx: Ctx,
  hostId: string,
  { routers, addressSets }: ObservedNetwork,
): Promise<Set<string>> {
  const strays = await unknownAt(ctx, hostId)
  return new Set(strays.some(({ kind }) => kind !== 'guest') ? [...routers, ...addressSets] : [])
}
