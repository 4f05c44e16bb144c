import { hostRefs } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { startOperations } from '../kernel/workflow.ts'
import { deviceOn } from './attachments.ts'
import { beginRestoring, creationOf } from './backups/settling.ts'
import { aKey } from './encryption/keys.ts'
import { expectKeys, giveKeysFirst } from './encryption/reconcile.ts'
import type { LaunchVolumes, NewVolume } from './launch.ts'
import { claimIn, poolOn } from './pools.ts'
import { noteVolume, stateOf, volumeEvent } from './row.ts'

/** The functions by which compute makes the volumes of a launch, waits for them, and gives them back. */

type Instance = {
  id: string
  name: string
  projectId: string
  hostId: string
  zone: string
  diskBus: string
}

/**
 * Writes the volumes that the instances of a launch get: new ones on the host of their instance, whose room the caller
 * claims, and those that exist. No host is to give them to a guest before they are made (`bindLaunchVolumes`). The caller
 * reserves the quota, and has planned in the same transaction. Returns the ids of the new volumes of each instance.
 */
export async function volumesAtLaunch(
  ctx: Ctx,
  instances: readonly Instance[],
  { planned }: LaunchVolumes,
): Promise<ReadonlyMap<string, string[]>> {
  const made = new Map<string, string[]>()
  if (planned.length === 0) return made
  const pools = await poolsOn(ctx, [...new Set(instances.map(({ hostId }) => hostId))])
  /** What is taken in pools with a capacity of their own. */
  const taken = new Map<string, number>()
  const rows: (ReturnType<typeof rowOf> & { hostId: string })[] = []
  const keys: ReturnType<typeof aKey>[] = []
  const attachments: {
    volumeId: string
    instanceId: string
    device: string
    deleteOnTermination: boolean
    shared: boolean
  }[] = []
  for (const instance of instances)
    for (const { of, device, deleteOnTermination } of planned) {
      let volumeId: string
      if ('made' in of) {
        const poolId = of.made.poolId ?? pools.get(instance.hostId)
        if (of.made.poolId !== null)
          taken.set(of.made.poolId, (taken.get(of.made.poolId) ?? 0) + of.made.sizeGib)
        if (!poolId) throw new CloudError('unavailable', 'A host was removed at this moment. Try again.')
        const row = rowOf(ctx, instance, of.made, poolId)
        const key = of.made.newKey && aKey(ctx, of.made.newKey)
        if (key) keys.push(key)
        rows.push({ ...row, ...(key ? { keyId: key.id } : {}), hostId: instance.hostId })
        volumeId = row.id
        made.set(instance.id, [...(made.get(instance.id) ?? []), volumeId])
      } else {
        volumeId = of.volume.id
        await ctx.db.volume.update({ where: { id: volumeId }, data: { state: 'attaching' } })
        await noteVolume(ctx, of.volume, 'updated')
      }
      const name = deviceOn(instance.diskBus, device)
      const { multiattach: shared } = 'made' in of ? of.made : of.volume
      attachments.push({ volumeId, instanceId: instance.id, device: name, deleteOnTermination, shared })
    }
  for (const [poolId, gib] of [...taken].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (!(await claimIn(ctx, poolId, gib)))
      throw new CloudError('no_capacity', `The pool of the new volumes has no ${gib} GiB free.`)
  if (keys.length > 0) await ctx.db.volumeKey.createMany({ data: keys })
  await ctx.db.volume.createMany({ data: rows.map(({ hostId: _, ...row }) => row) })
  for (const backupId of new Set(rows.flatMap((row) => row.backupId ?? [])))
    await beginRestoring(ctx, backupId)
  await ctx.db.volumeAttachment.createMany({
    data: attachments.map((one) => ({ id: crypto.randomUUID(), ...one })),
  })
  const operations = rows.map((row) => ({ ...creationOf(row), hostId: row.hostId }))
  const events = rows.map((row, i) => volumeEvent(row, 'created', operations[i]?.id))
  if (rows.length > 0) await startOperations(ctx, operations, events)
  return made
}

const rowOf = (ctx: Ctx, instance: Instance, wish: NewVolume, poolId: string) => ({
  id: crypto.randomUUID(),
  projectId: instance.projectId,
  userId: ctx.actor.userId,
  name: wish.name.replaceAll('{name}', instance.name).slice(0, 255),
  sizeGib: wish.sizeGib,
  reservedGib: wish.sizeGib,
  typeId: wish.typeId,
  multiattach: wish.multiattach,
  poolId,
  zone: instance.zone,
  ...wish.data,
})

/** The id of the pool on the disk of each of these hosts. */
async function poolsOn(ctx: Ctx, hostIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const pools = new Map<string, string>()
  const hosts = await hostRefs(ctx, hostIds)
  for (const host of hosts.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    pools.set(host.id, await poolOn(ctx, host))
  return pools
}

const attachedTo = (ctx: Ctx, instanceId: string) =>
  ctx.db.volumeAttachment.findMany({ where: { instanceId }, include: { volume: true } })

/** Tells whether all volumes of an instance that is being built are made. Throws conflict when one could not be made. */
export async function areLaunchVolumesMade(ctx: Ctx, instanceId: string): Promise<boolean> {
  const volumes = (await attachedTo(ctx, instanceId)).map(({ volume }) => volume)
  const failed = volumes.find((volume) => stateOf(volume) === 'error')
  if (failed)
    throw new CloudError(
      'conflict',
      `The volume ${failed.name || failed.id} could not be made. ${failed.faultMessage ?? ''}`.trim(),
    )
  return volumes.every((volume) => stateOf(volume) !== 'creating')
}

/**
 * Writes that the host is to give an instance that is being built its volumes, all of which are made, and returns their
 * ids.
 */
export async function bindLaunchVolumes(ctx: Ctx, instanceId: string, hostId: string): Promise<string[]> {
  const rows = await attachedTo(ctx, instanceId)
  if (rows.some((row) => row.hostId !== hostId)) {
    const encrypted = rows.flatMap(({ volume }) => (volume.keyId === null ? [] : volume.id))
    await giveKeysFirst(ctx, hostId, encrypted)
    await ctx.db.volumeAttachment.updateMany({ where: { instanceId }, data: { hostId } })
    await expectKeys(ctx, hostId, encrypted)
  }
  return rows.map((row) => row.volumeId)
}
