import { Prisma } from '@stratolith/db'
import type { KeptDocument } from '@stratolith/drivers/documents/interface'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import type { Op } from '@stratolith/drivers/op'
import type { ObservedDisk } from '@stratolith/drivers/storage/interface'
import pLimit from 'p-limit'
import {
  confirmedOf,
  describedStrays,
  doubt,
  type Found,
  guestText,
  hostsUp,
  letGoOf,
  sweep,
} from '../hosts/service.ts'
import { memoryText, vcpuText } from '../kernel/amounts.ts'
import { busyAmong } from '../kernel/busy.ts'
import type { Ctx } from '../kernel/context.ts'
import { gathered, rowsOf, uuids } from '../kernel/gathered.ts'
import { callByCall, plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { dropOldTokens } from './consoles/service.ts'
import { adopt, isIdle, type Observable } from './observe.ts'

const everyMs = 20_000
/** Most hosts that are reconciled at the same time; their queries are gathered. */
const hostsAtOnce = 64
/** The longest time for one host in a round, and for each call to the host. */
const roundMs = 120_000
const callMs = 30_000

export const computeReconcilers: Reconciler[] = [
  { name: 'compute.guests', everyMs, run: reconcileHosts },
  {
    name: 'compute.console-tokens',
    everyMs: 60_000,
    run: async (ctx) => {
      await dropOldTokens(ctx)
    },
  },
]

/**
 * Compares the guests and disks of every host that answers with the rows. A host that fails is tried next time; a host
 * that falls silent delays no other.
 */
export async function reconcileHosts(ctx: Ctx): Promise<void> {
  await pLimit(hostsAtOnce).map(await hostsUp(ctx), (host) =>
    reconcileHost(ctx, host.id, ctx.deps.hosts.at(host.endpoint)).catch((error) =>
      ctx.log.warn({ err: error, host: host.name }, 'host could not be reconciled'),
    ),
  )
}

/**
 * Reconciles one host. The rows whose state may be corrected are read before the host is asked, so that an action in
 * between raises their generation and wins. The rows that protect a guest are read after: an instance that is launched
 * in between has a row before its guest appears.
 */
async function reconcileHost(ctx: Ctx, hostId: string, drivers: HostDrivers): Promise<void> {
  await whileAnswering(plainOp(ctx, roundMs), drivers, (round) =>
    settleHost(ctx, callByCall(ctx, round, callMs), hostId, drivers),
  )
}

async function settleHost(ctx: Ctx, op: Op, hostId: string, drivers: HostDrivers): Promise<void> {
  const here = await instancesOn(ctx, hostId)
  const [guests, disks] = await Promise.all([drivers.hypervisor.list(op), drivers.storage.listDisks(op)])
  await removeLeftovers(ctx, op, hostId, drivers, { guests, disks })
  const byId = new Map<string, ObservedInstance>(guests.map((guest) => [guest.id, guest]))
  for (const row of here) if (isIdle(row)) await adopt(ctx, row, byId.get(row.id) ?? null)
  const settled = here.filter((row) => row.taskState === null && row.vmState !== 'building')
  await proveDocuments(
    ctx,
    hostId,
    settled.map((row) => row.id),
    () => drivers.documents.list(op, 'instance'),
  )
}

const instancesOn = rowsOf<Observable>((hosts) => ({
  key: Prisma.sql`"hostId"`,
  row: Prisma.sql`'id', "id", 'projectId', "projectId", 'generation', "generation", 'vmState', "vmState",
    'taskState', "taskState", 'powerState', "powerState"`,
  from: Prisma.sql`"Instance" WHERE "hostId" = ANY(${[...hosts]}::uuid[])`,
}))

const writtenOf = confirmedOf('instance')

/**
 * Compares the documents that the host has heard last with those that it has confirmed: the host may have lost a
 * document, or these rows may come from a backup. Then the host is told again.
 */
async function proveDocuments(
  ctx: Ctx,
  hostId: string,
  ids: readonly string[],
  list: () => Promise<readonly KeptDocument[]>,
): Promise<void> {
  const asked = new Set(ids)
  const before = new Map((await writtenOf(ctx, hostId)).map((one) => [one.thing, one.confirmed]))
  const kept = await list()
  const written = (await writtenOf(ctx, hostId)).filter((one) => asked.has(one.thing))
  const known = new Set(written.map((one) => one.thing))
  const unknown = ids.filter((id) => !known.has(id))
  if (unknown.length > 0)
    // The rows of these instances may be lost by now, though nobody deleted them: a need without a row would be told to
    // the host as an instance to remove.
    await ctx.db.$queryRaw`
      SELECT stratolith_need(array_agg("hostId"), array_agg('instance'::text), array_agg("id"))::text FROM (
        SELECT "hostId", "id" FROM "Instance" WHERE "id" = ANY(${unknown}::uuid[]) AND "hostId" = ${hostId}::uuid
          AND "taskState" IS DISTINCT FROM 'deleting' ORDER BY "id" FOR SHARE) i HAVING count(*) > 0`
  const heard = new Map(kept.filter((one) => one.reached && !one.gone).map((one) => [one.id, one.generation]))
  const wrong = written.filter(
    (one) =>
      one.wanted &&
      one.confirmed > 0 &&
      // A document that was told meanwhile may have arrived after the host was asked.
      before.get(one.thing) === one.confirmed &&
      heard.get(one.thing) !== one.confirmed,
  )
  if (wrong.length > 0)
    await doubt(
      ctx,
      hostId,
      'instance',
      wrong.map((one) => one.thing),
    )
}

type OnHost = { guests: readonly ObservedInstance[]; disks: readonly ObservedDisk[] }

/** Removes guests and disks of deleted instances; those that no row knows are left and written down as strays. */
async function removeLeftovers(
  ctx: Ctx,
  op: Op,
  hostId: string,
  drivers: HostDrivers,
  { guests, disks }: OnHost,
): Promise<void> {
  const { hypervisor, storage } = drivers
  const ids = [...new Set([...guests.map((g) => g.id), ...disks.map((d) => d.instanceId)])]
  const known = await knownOn(ctx, hostId, ids)
  const buried = await buriedAmong(ctx, 'instance', ids, hostId)
  const foundGuests = await factsOfGuests(
    ctx,
    op,
    hostId,
    hypervisor,
    guests,
    (id) => !known.has(id) && !buried.has(id),
  )
  const isKnown = async (id: string) => (await knownOn(ctx, hostId, [id])).has(id)
  const gone = await sweep(
    ctx,
    { hostId, kind: 'guest', found: foundGuests, known, buried, isKnown },
    async ({ id, why }) => {
      if (why === 'unknown') await keepGuest(ctx, op, drivers, id)
      return hypervisor.remove(op, id)
    },
  )
  // A disk is treated like its instance; the disk of a guest that stays, stays.
  const staying = new Set(guests.map((guest) => guest.id).filter((id) => !gone.has(id)))
  const of = (these: ReadonlySet<string>) =>
    new Set(disks.filter((disk) => these.has(disk.instanceId)).map((disk) => disk.id))
  const found = disks.map(({ id, instanceId, sizeBytes }) => ({
    id,
    facts: { instanceId, details: `${Math.ceil(sizeBytes / 1024 ** 3)} GiB` },
  }))
  const instanceOf = new Map(disks.map((disk) => [disk.id, disk.instanceId]))
  const look = {
    hostId,
    kind: 'disk' as const,
    found,
    known: of(known),
    buried: of(buried),
    held: of(staying),
    follows: of(gone),
    isKnown: (id: string) => isKnown(instanceOf.get(id) ?? id),
  }
  await sweep(ctx, look, ({ id, why }) =>
    why === 'unknown' && storage.trash ? storage.trash.put(op, id) : storage.removeDisk(op, id),
  )
  await laidToRest(ctx, 'instance', hostId, ids)
  await letGoOf(
    ctx,
    hostId,
    'instance',
    ids.filter((id) => !known.has(id)),
  )
  await storage.trash
    ?.empty(op, { olderThanMs: ctx.deps.config.keepUnknownMs })
    .catch((error: unknown) =>
      ctx.log.warn({ err: error, hostId }, 'the trash of a host could not be emptied'),
    )
}

/**
 * Puts the facts that a host tells of a guest into the trash with its disks, so that the guest can be put back; without
 * the rules of its ports, which are made anew. A guest that cannot be described, or on a host that cannot keep the
 * facts, is removed without them.
 */
async function keepGuest(ctx: Ctx, op: Op, drivers: HostDrivers, id: string): Promise<void> {
  const { hypervisor, network, storage } = drivers
  const seen = await Promise.all([hypervisor.describe(op, id), network.describePorts(op, id)]).catch(
    (error: unknown) => {
      ctx.log.warn({ err: error, instanceId: id }, 'a guest that is removed could not be described')
      return null
    },
  )
  if (!seen?.[0]) return
  const [spec, ports] = seen
  const told = guestText({
    spec,
    ports: ports.map((one) => ({ ...one, port: { ...one.port, rules: [] } })),
  })
  const { name, projectId } = spec
  await storage.trash
    ?.keepGuest(op, { instanceId: id, name, projectId, told })
    .catch((error: { code?: unknown }) => {
      if (error.code !== 'unsupported') throw error // the guest stays for the next round
    })
}

/** Returns the instances whose row says that they are on the host, or on which an operation is at work. */
async function knownOn(ctx: Ctx, hostId: string, ids: readonly string[]): Promise<Set<string>> {
  const [places, busy] = await Promise.all([placesOf(ctx, ids), busyInstances(ctx, ids)])
  return new Set(ids.filter((id) => places.get(id) === hostId || busy.has(id)))
}
const busyInstances = busyAmong('instance')
/** Reads which host each instance is on. */
const placesOf = gathered(64, async ({ deps }, asked: readonly (readonly string[])[]) => {
  const rows = await deps.root.$queryRaw<{ id: string; hostId: string | null }[]>`
    SELECT "id"::text, "hostId"::text FROM "Instance" WHERE "id" = ANY(${uuids([...new Set(asked.flat())])}::uuid[])`
  const places = new Map(rows.map((row) => [row.id, row.hostId]))
  return asked.map(() => places)
})

/**
 * Most guests without a row that are asked about in a round: a host that follows the wrong database has a thousand of
 * them.
 */
const describedAtOnce = 50

async function factsOfGuests(
  ctx: Ctx,
  op: Op,
  hostId: string,
  hypervisor: HostDrivers['hypervisor'],
  guests: readonly ObservedInstance[],
  isStray: (id: string) => boolean,
): Promise<Found[]> {
  const strays = guests.map((guest) => guest.id).filter(isStray)
  if (strays.length === 0) return guests.map(({ id }) => ({ id }))
  const known = await describedStrays(ctx, hostId, 'guest', strays)
  // Guests without known facts come first; known facts stay written down (hosts/keeping.ts).
  const asked = new Set(
    strays.toSorted((a, b) => Number(known.has(a)) - Number(known.has(b))).slice(0, describedAtOnce),
  )
  return Promise.all(
    guests.map(async ({ id, power }) => {
      if (!asked.has(id)) return { id }
      const spec = await hypervisor.describe(op, id).catch((error: unknown) => {
        ctx.log.warn({ err: error, instanceId: id }, 'a guest that no row knows could not be described')
        return null
      })
      if (!spec) return { id }
      const details = `${vcpuText(spec.vcpus)}, ${memoryText(spec.memoryMib)}, ${power}`
      return {
        id,
        facts: {
          name: spec.name.slice(0, 255),
          details,
          projectId: spec.projectId,
          groups: [...spec.guest.securityGroups],
        },
      }
    }),
  )
}
