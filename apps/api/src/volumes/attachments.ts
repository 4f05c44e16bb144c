import { Prisma, type VolumeModel } from '@stratolith/db'
import type { VolumeLimits } from '@stratolith/drivers/hypervisor/interface'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { knownNowhere, stillKnown } from '../hosts/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../kernel/errors.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { deviceAt, isRootVolume, type VolumeView, volumeCan } from './contract.ts'
import { expectKeys, giveKeysFirst } from './encryption/reconcile.ts'
import { tellKept } from './messages/service.ts'
import { whysKept } from './needed.ts'
import { reachesFrom, specOf } from './pools.ts'
import type { VolumeRow } from './queries.ts'
import { reservationFor, stateWithout } from './reservations.ts'
import { lockVolume, noteVolume, stateOf } from './row.ts'
import { discardVolume, removeVolume } from './trash/service.ts'
import { carriedOut } from './types/row.ts'
import { limitsOf } from './types/states.ts'

/** The functions by which compute gives volumes to instances. The rows say which host gives which volume to a guest. */

/** `localDisks`: how many disks the guest has between its root disk and its volumes. */
type Instance = {
  id: string
  projectId: string
  hostId: string | null
  diskBus: string
  localDisks: number
}
export type AttachedVolume = {
  id: string
  volumeId: string
  hostId: string | null
  pool: PoolSpec
  readOnly: boolean
  /** Other instances may have it, too. */
  shared: boolean
  encrypted: boolean
  /** How fast the guest may use it. */
  limits: VolumeLimits
  device: string
  state: string
  deleteOnTermination: boolean
}

/** The volumes of these instances, in the order of their device names; one query. */
export async function attachedVolumes(
  ctx: Pick<Ctx, 'db'>,
  instanceIds: readonly string[],
): Promise<ReadonlyMap<string, AttachedVolume[]>> {
  const rows = await ctx.db.volumeAttachment.findMany({
    where: { instanceId: { in: [...instanceIds] } },
    include: { volume: { include: { pool: true, type: { include: { qos: true } } } } },
    orderBy: [{ device: 'asc' }],
  })
  const found = new Map<string, AttachedVolume[]>()
  for (const { instanceId, volume, ...row } of rows) {
    const one = {
      ...{ ...row, pool: specOf(volume.pool), readOnly: volume.readOnly },
      encrypted: volume.keyId !== null,
      limits: limitsOf(carriedOut(volume.type.qos), volume.sizeGib),
    }
    found.set(instanceId, [...(found.get(instanceId) ?? []), one])
  }
  return found
}

/**
 * The names that a guest's volumes can have after those of its root disk and of its ephemeral and swap disks, for guests
 * that reach them by virtio.
 */
export const deviceNames = (localDisks: number): readonly string[] =>
  Array.from({ length: mostVolumes - localDisks }, (_, index) => deviceAt('virtio', 1 + localDisks + index))
const mostVolumes = 25

/** Why a volume of a pool that several hosts reach is refused to a second instance. */
export const onlyOneHasIt =
  'The pool of this volume gives it to one instance at a time, which has it already.'

/**
 * Takes a volume for an instance, under the locks of both rows. Throws not_found for a volume that the caller may not
 * see, conflict when the volume is neither available nor reserved for the instance, or lies where the instance's host does
 * not reach it. Returns its name.
 */
export async function takeVolume(
  ctx: Ctx,
  wish: { volumeId: string; instance: Instance; device?: string; deleteOnTermination?: boolean },
): Promise<string> {
  const { volumeId, instance } = wish
  const row = await lockVolume(ctx, 'volume:update', volumeId)
  if (row.projectId !== instance.projectId)
    throw conflict('The volume belongs to another project than the instance.')
  if (row.attachments.some((one) => one.instanceId === instance.id))
    throw conflict('The instance has this volume already.', 'volumeState')
  const reserved = await reservationFor(ctx, row, instance.id)
  const isMine = reserved !== null && stateOf(row) === 'reserved'
  const allowed = isMine || volumeCan.attach({ state: stateOf(row), multiattach: row.multiattach })
  if (allowed !== true) throw conflict(allowed, 'volumeState')
  if (row.attachments.length > 0 && row.pool.hostId === null) throw conflict(onlyOneHasIt)
  if (!(await reachesFrom(ctx, row.pool, instance.hostId)))
    throw conflict(
      row.pool.hostId === null
        ? 'The volume lies in a pool that the machine of the instance does not reach.'
        : 'The volume lies on the disk of another machine than the one on which the instance is.',
    )
  const device = await deviceFor(ctx, instance, wish.device)
  if (reserved) await ctx.db.volumeReservation.delete({ where: { id: reserved.id } })
  await ctx.db.volumeAttachment.create({
    data: {
      id: reserved?.id ?? crypto.randomUUID(),
      volumeId,
      instanceId: instance.id,
      hostId: instance.hostId,
      device,
      deleteOnTermination: wish.deleteOnTermination ?? false,
      shared: row.multiattach,
    },
  })
  await ctx.db.volume.update({ where: { id: volumeId }, data: { state: 'attaching' } })
  await noteVolume(ctx, row, 'updated')
  return row.name || row.id
}

/** The name that a guest gives to a disk, by how it reaches its disks. */
export const deviceOn = (diskBus: string, device: string): string =>
  diskBus === 'scsi' ? device.replace('/dev/vd', '/dev/sd') : device

async function deviceFor(
  ctx: Ctx,
  { id: instanceId, diskBus, localDisks }: Instance,
  wanted: string | undefined,
): Promise<string> {
  const names = deviceNames(localDisks).map((device) => deviceOn(diskBus, device))
  const rows = await ctx.db.volumeAttachment.findMany({ where: { instanceId }, select: { device: true } })
  const taken = new Set(rows.map((row) => row.device))
  const name = wanted && deviceOn(diskBus, wanted.replace(/^(\/dev\/)?[hsvx]d/, '/dev/vd'))
  if (name !== undefined && !names.includes(name))
    throw invalidInput(`${wanted} is no name that a disk of this guest can have. Leave it out.`, 'device')
  if (name !== undefined && taken.has(name))
    throw conflict(`The instance has a disk ${name} already. Leave the name out.`, 'deviceInUse')
  const device = name ?? names.find((one) => !taken.has(one))
  if (!device) throw conflict(`An instance has at most ${names.length} volumes.`)
  return device
}

/** Begins to take a volume from an instance, and returns its name. Throws not_found when the instance does not have the volume. */
export async function yieldVolume(ctx: Ctx, instanceId: string, volumeId: string): Promise<string> {
  const row = await lockVolume(ctx, 'volume:update', volumeId)
  if (!row.attachments.some((one) => one.instanceId === instanceId))
    throw notFound('volume of the instance', volumeId)
  if (isRootVolume(row))
    throw conflict(
      'The instance starts from this volume. Delete the instance to make the volume available again.',
      'rootVolume',
    )
  const allowed = volumeCan.detach({ state: stateOf(row), attachments: row.attachments })
  if (allowed !== true) throw conflict(allowed, 'volumeState')
  const key = { volumeId_instanceId: { volumeId, instanceId } }
  await ctx.db.volumeAttachment.update({ where: key, data: { state: 'detaching' } })
  await ctx.db.volume.update({ where: { id: volumeId }, data: { state: 'detaching' } })
  await noteVolume(ctx, row, 'updated')
  return row.name || row.id
}

/**
 * Says whether a volume of an instance is deleted with the instance, and returns its name. Throws not_found when the
 * instance has no such volume.
 */
export async function keepAfterTermination(
  ctx: Ctx,
  instanceId: string,
  { volumeId, deleteOnTermination }: { volumeId: string; deleteOnTermination: boolean },
): Promise<string> {
  const row = await lockVolume(ctx, 'volume:update', volumeId)
  const { count } = await ctx.db.volumeAttachment.updateMany({
    where: { volumeId, instanceId },
    data: { deleteOnTermination },
  })
  if (count === 0) throw notFound('volume of the instance', volumeId)
  await noteVolume(ctx, row, 'updated')
  return row.name || row.id
}

/** Writes that the host is to give the volume to the instance, unless the instance has the volume no more. */
export async function bindVolume(
  ctx: Ctx,
  volumeId: string,
  hostId: string,
  instanceId: string,
): Promise<void> {
  await giveKeysFirst(ctx, hostId, [volumeId])
  await ctx.db.volumeAttachment.updateMany({ where: { volumeId, instanceId }, data: { hostId } })
  await expectKeys(ctx, hostId, [volumeId])
}

/** Writes that no host is to give the volume to the instance. */
export async function unbindVolume(ctx: Ctx, volumeId: string, instanceId: string): Promise<void> {
  await ctx.db.volumeAttachment.updateMany({ where: { volumeId, instanceId }, data: { hostId: null } })
}

/** Writes that the guest has the volume. */
export async function finishAttachment(ctx: Ctx, volumeId: string, instanceId: string): Promise<void> {
  await changed(ctx, volumeId, async (tx, state) => {
    const { count } = await tx.db.volumeAttachment.updateMany({
      where: { volumeId, instanceId },
      data: { state: 'attached' },
    })
    if (count === 0) return null
    await tx.db.volumeAttachment.updateMany({
      where: { volumeId, instanceId, attachedAt: null },
      data: { attachedAt: new Date() },
    })
    return state === 'attaching' || state === 'detaching' ? 'in-use' : state
  })
}

/**
 * Writes that the instance does not have the volume any more. A volume that is gone already is success. A volume that a
 * host is still to give to the instance stays. One that is being made larger is available when that is over.
 */
export async function releaseVolume(ctx: Ctx, volumeId: string, instanceId: string): Promise<void> {
  await changed(ctx, volumeId, async (tx, state) => {
    const where = { volumeId, instanceId, hostId: null }
    const { count } = await tx.db.volumeAttachment.deleteMany({ where })
    if (count === 0) return null
    const isChanging = state === 'attaching' || state === 'detaching' || state === 'in-use'
    return isChanging ? stateWithout(tx, volumeId, await others(tx, volumeId)) : state
  })
}

/** How many instances have the volume. */
const others = (ctx: Ctx, volumeId: string): Promise<number> =>
  ctx.db.volumeAttachment.count({ where: { volumeId } })

/** Changes the state of a volume under its lock, as `work` says; null leaves the volume alone. */
async function changed(
  ctx: Ctx,
  volumeId: string,
  work: (tx: Ctx, state: VolumeView['state']) => Promise<VolumeView['state'] | null>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const [row] = await tx.db.$queryRaw<
      VolumeModel[]
    >`SELECT * FROM "Volume" WHERE "id" = ${volumeId}::uuid FOR UPDATE`
    if (!row) return
    const state = await work(tx, stateOf(row))
    if (state === null) return
    await tx.db.volume.update({ where: { id: volumeId }, data: { state } })
    await noteVolume(tx, row, 'updated')
  })
}

/**
 * Releases the volumes of an instance that is being deleted, or whose build has failed, in its transaction, after its
 * host has removed the guest or was given up as silent. The guest may still run on a silent host. Nobody else gets such a
 * volume all the same: when the volume is on one host, the links of this host refuse a second guest until the first one is
 * gone, and when several hosts reach the volume, it waits until the host confirms or is fenced (`forgottenVolumes`).
 * Volumes that go with the instance, and those in `also`, are deleted, except those that have snapshots, are in a group,
 * are being copied or moved; a volume that is being made, made larger or read is available when that is over. Those that go with the instance can
 * be taken back for a while, and those in `also` have never been used. Returns a sentence for each that was to be deleted and stays.
 */
export async function forgetVolumesOf(
  ctx: Ctx,
  instanceId: string,
  also: readonly string[] = [],
): Promise<string[]> {
  const rows = await ctx.db.volumeAttachment.findMany({ where: { instanceId }, orderBy: { volumeId: 'asc' } })
  if (rows.length === 0) return []
  const kept: string[] = []
  const isKnown = (await stillKnown(ctx, 'instance', [instanceId])).has(instanceId)
  for (const row of rows) {
    const volume = await lockVolume(ctx, 'volume:update', row.volumeId)
    const isUnused = also.includes(row.volumeId)
    const deleteOnTermination = row.deleteOnTermination || isUnused
    if (isKnown && volume.pool.hostId === null && row.hostId !== null) {
      await ctx.db.volumeAttachment.update({
        where: { id: row.id },
        data: { state: 'detaching', forgottenAt: new Date(), deleteOnTermination },
      })
      const isOthers = settledByOthers(volume) || (await others(ctx, volume.id)) > 1
      const state = isOthers ? volume.state : 'detaching'
      await ctx.db.volume.update({ where: { id: volume.id }, data: { state } })
      await noteVolume(ctx, volume, 'updated')
    } else {
      const why = await forgetOne(ctx, volume, { id: row.id, deleteOnTermination, isUnused })
      if (why !== null) kept.push(`“${volume.name || volume.id}” stays: ${why}.`)
    }
  }
  return kept
}

/** The volume is in a state that another operation ends. */
const settledByOthers = ({ state }: { state: string }): boolean =>
  ['extending', 'backing-up', 'uploading', 'creating', 'error', 'retyping', 'maintenance'].includes(state)

/** Writes that an instance does not have a volume any more. Returns why the volume stays although it was to be deleted; null otherwise. */
export async function forgetOne(
  ctx: Ctx,
  volume: VolumeRow,
  { id, deleteOnTermination, isUnused }: { id: string; deleteOnTermination: boolean; isUnused: boolean },
): Promise<string | null> {
  await ctx.db.volumeAttachment.delete({ where: { id } })
  const left = await others(ctx, volume.id)
  const now = stateOf(volume)
  const state = settledByOthers(volume) ? now : await stateWithout(ctx, volume.id, left)
  await ctx.db.volume.update({ where: { id: volume.id }, data: { state } })
  const after = { ...volume, state, attachments: volume.attachments.filter((one) => one.id !== id) }
  const isNew = isUnused || now === 'creating' || now === 'error'
  if (deleteOnTermination) {
    const why = (await whysKept(ctx, [{ ...volume, others: left }])).get(volume.id)
    if (why === undefined) await (isNew ? removeVolume : discardVolume)(ctx, after)
    else {
      await noteVolume(ctx, after, 'updated')
      await tellKept(ctx, after, why)
      return why
    }
  } else await noteVolume(ctx, after, 'updated')
  return null
}

/** Releases the volumes of deleted instances whose hosts have confirmed by now that the guests are gone, or are fenced. */
export const forgottenVolumes: Reconciler = {
  name: 'volumes.forgotten',
  everyMs: 15_000,
  async run(ctx) {
    const rows = await ctx.db.$queryRaw<Forgotten[]>`
      SELECT a."id", a."volumeId", a."deleteOnTermination" FROM "VolumeAttachment" a
      WHERE a."forgottenAt" IS NOT NULL AND ${knownNowhere('instance', Prisma.sql`a."instanceId"`)}
      ORDER BY a."forgottenAt", a."id" LIMIT 1000`
    for (const row of rows)
      await inTransaction(ctx, async (tx) => {
        const volume = await lockVolume(tx, 'volume:update', row.volumeId)
        if (volume.attachments.some(({ id }) => id === row.id))
          await forgetOne(tx, volume, { ...row, isUnused: false })
      }).catch((error: unknown) =>
        ctx.log.warn({ err: error, volume: row.volumeId }, 'a volume of a deleted instance was not released'),
      )
  },
}
type Forgotten = { id: string; volumeId: string; deleteOnTermination: boolean }
