import type { HostDocument, InstanceWish } from '@stratolith/drivers/documents/interface'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import type { RecordedPort } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import type { KeptGuest } from '@stratolith/drivers/storage/interface'
import type { Ctx } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'
import { isFree, namesOf } from './document-rooms.ts'
import { deliver, errorOf } from './documents.ts'
import { driversOf } from './drivers.ts'

type Told = { spec: InstanceSpec; ports: RecordedPort[] }
/** The text of the note about a guest that is kept in the trash. */
export const guestText = (told: Told): string => JSON.stringify(told)

/**
 * Makes a guest again from the note beside its disk. The guest is stopped; it is a stray, as it was before its removal,
 * and can be adopted. A port comes back when its number and its addresses still belong to nobody.
 */
export async function putBackGuest(ctx: Ctx, op: Op, hostId: string, kept: KeptGuest): Promise<void> {
  const drivers = await driversOf(ctx, hostId)
  const { hypervisor } = drivers
  // The host checks the note, as it checks every document.
  const { spec, ports } = JSON.parse(kept.told) as Told
  if (await hypervisor.get(op, spec.id)) return
  if ((await namesOf(ctx, 'instance', [spec.id])).size > 0) return
  const { disks, nics: _nics, power: _power, ...description } = spec
  const localDisks = disks.flatMap(({ id, kind }) => (kind === undefined ? [] : { id, kind, make: null }))
  const wish: InstanceWish = {
    ...description,
    power: null,
    disk: null,
    ...(localDisks.length > 0 ? { localDisks } : {}),
    ports: await putBackPorts(ctx, op, hostId, ports),
  }
  const [receipt] = await tell(op, drivers, [{ kind: 'instance', id: spec.id, body: wish }])
  if (receipt?.outcome === 'failed') throw errorOf(receipt)
  invariant(
    receipt?.outcome === 'reached',
    'a guest that is put back is newer than all that its host has heard of it',
  )
}

/** Brings networks back that were withdrawn from the host since. They are made from their rows, because the note may be older. */
async function bringNetworks(ctx: Ctx, op: Op, hostId: string, ids: readonly string[]): Promise<void> {
  for (const id of (await namesOf(ctx, 'network', ids)).keys()) {
    await ctx.db
      .$queryRaw`SELECT stratolith_need(ARRAY[${hostId}::uuid], ARRAY['network'], ARRAY[${id}::uuid])::text`
    for (const receipt of await deliver(ctx, op, hostId, { kinds: [], gone: [], always: [id] }))
      if (receipt.outcome !== 'reached') ctx.log.warn(receipt, 'a network was not put back')
  }
}

/** Brings ports back; returns the ids of those that are there again. */
async function putBackPorts(
  ctx: Ctx,
  op: Op,
  hostId: string,
  ports: readonly RecordedPort[],
): Promise<string[]> {
  const drivers = await driversOf(ctx, hostId)
  const before = new Set((await drivers.network.list(op)).networks)
  const missing = ports.map(({ network }) => network.id).filter((id) => !before.has(id))
  if (missing.length > 0) await bringNetworks(ctx, op, hostId, missing)
  const there = new Set((await drivers.network.list(op)).networks)
  const wishes = new Map<string, Wish>()
  for (const recorded of ports) {
    const { port, network } = recorded
    if (!(await isPlaceFree(ctx, recorded, there))) {
      ctx.log.warn({ portId: port.id }, 'a port was not put back: its place is taken')
      continue
    }
    // A network that exists on the host follows its row; the note may be older.
    if (!there.has(network.id)) wishes.set(network.id, { kind: 'network', id: network.id, body: network })
    wishes.set(port.id, { kind: 'port', id: port.id, body: port })
  }
  const receipts = wishes.size > 0 ? await tell(op, drivers, [...wishes.values()]) : []
  for (const receipt of receipts)
    if (receipt.outcome !== 'reached') ctx.log.warn(receipt, 'a port was not put back')
  return receipts.flatMap(({ kind, id, outcome }) => (kind === 'port' && outcome === 'reached' ? id : []))
}

type Wish = HostDocument extends infer D ? (D extends HostDocument ? Omit<D, 'generation'> : never) : never

/** Sends documents of things without a row, with a newer generation than the host knows. Nothing else sends documents of such things. */
async function tell(op: Op, { documents }: HostDrivers, wishes: readonly Wish[]) {
  const known = new Map<string, number>()
  for (const kind of new Set(wishes.map((wish) => wish.kind)))
    for (const { id, generation } of await documents.list(op, kind)) known.set(`${kind}/${id}`, generation)
  return documents.apply(
    op,
    wishes.map(
      (wish) => ({ ...wish, generation: (known.get(`${wish.kind}/${wish.id}`) ?? 0) + 1 }) as HostDocument,
    ),
  )
}

async function isPlaceFree(
  ctx: Ctx,
  { port, network }: RecordedPort,
  there: ReadonlySet<string>,
): Promise<boolean> {
  const [isPortFree, isNetworkFree, rows, ...held] = await Promise.all([
    isFree(ctx, 'port', port.id, port),
    isFree(ctx, 'network', network.id, network),
    // A network with a row that could not be brought back: its row is newer than the note.
    there.has(network.id) ? null : namesOf(ctx, 'network', [network.id]),
    ...port.addresses.map(({ subnetId, ip }) =>
      ctx.db.heldAddress.count({ where: { subnetId, address: ip } }),
    ),
  ])
  return isPortFree && isNetworkFree && (rows?.size ?? 0) === 0 && held.every((count) => count === 0)
}
