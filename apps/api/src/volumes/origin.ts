import type { z } from 'zod'
import { findBootImage } from '../images/service.ts'
import { type Ctx, projectOf } from '../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../kernel/errors.ts'
import { backupCan } from './backups/contract.ts'
import { hostsOfStore } from './backups/reach.ts'
import { demandBackup, lockBackup } from './backups/row.ts'
import { volumeCan, type volumeCreateInput } from './contract.ts'
import { lockVolume, type Source, stateOf } from './row.ts'
import { sourceSnapshot } from './snapshots/service.ts'

/** What a new volume begins with. */
export type Origin = {
  /** The noun of a sentence. */
  words: 'image' | 'snapshot' | 'volume' | 'backup'
  leastGib: number
  /** The host that alone reaches the origin; null: every host does. */
  hostId: string | null
  /** The hosts that reach the store of a backup, of which one must reach the new volume. */
  among?: readonly { id: string; zone: string }[]
  /** The pool of a volume or a snapshot, in which what is made of it lies, too. */
  poolId?: string
  /** The type of the volume that is the origin, or of which it is a snapshot or a backup. */
  typeId?: string
  data: {
    bootable: boolean
    imageId: string | null
    imageName: string
    source?: Source
    snapshotId?: string
    sourceVolumeId?: string
    lineageId?: string
    /** What users have written about the image of the volume that is the origin. */
    imageMetadata?: Record<string, string>
    /** The key of what the volume is made of, which the volume has, too; null: it is plain. */
    keyId?: string | null
    backupId?: string
  }
}

const gib = 1024 ** 3

/**
 * Finds what a new volume is to begin with; null for zeros. A snapshot, a volume or a backup is locked until the
 * transaction ends, so that it is not deleted before the new volume is written. Throws not_found for what the caller may not see, conflict
 * for what cannot be used now, invalid_input for two origins.
 */
export async function originOf(
  ctx: Ctx,
  input: Pick<z.output<typeof volumeCreateInput>, 'imageId' | 'snapshotId' | 'sourceVolumeId' | 'backupId'>,
): Promise<Origin | null> {
  const { imageId, snapshotId, sourceVolumeId, backupId } = input
  if ([imageId, snapshotId, sourceVolumeId, backupId].filter((id) => id !== undefined).length > 1)
    throw invalidInput(
      'A volume is made of an image, of a snapshot, of another volume or of a backup: name one of them.',
    )
  if (imageId !== undefined) return ofImage(ctx, imageId)
  if (backupId !== undefined) return ofBackup(ctx, backupId)
  if (snapshotId !== undefined) {
    const { sizeGib, pool, bootable, imageName, volume, ...row } = await sourceSnapshot(ctx, snapshotId)
    demandOwn(ctx, 'snapshot', row)
    const { typeId, keyId } = volume
    const data = {
      ...{ bootable, imageId: row.imageId, imageName, imageMetadata: imageMetadataOf(volume) },
      ...{ snapshotId, lineageId: lineageOf(volume) },
    }
    const place = { hostId: pool.hostId, poolId: pool.id }
    return { words: 'snapshot', leastGib: sizeGib, ...place, typeId, data: { ...data, keyId } }
  }
  if (sourceVolumeId === undefined) return null
  const row = await lockVolume(ctx, 'volume:get', sourceVolumeId)
  demandOwn(ctx, 'volume', row)
  const allowed = volumeCan.snapshot({ state: stateOf(row), multiattach: row.multiattach })
  if (allowed !== true) throw conflict(allowed, 'volumeState')
  const { reservedGib, pool, bootable, imageName, typeId, keyId } = row
  const data = {
    ...{ keyId, bootable, imageId: row.imageId, imageName, imageMetadata: imageMetadataOf(row) },
    ...{ sourceVolumeId, lineageId: lineageOf(row) },
  }
  // A host that has not answered may have made the volume larger than the row says.
  return { words: 'volume', leastGib: reservedGib, hostId: pool.hostId, poolId: pool.id, typeId, data }
}

/**
 * What is made of a volume or a snapshot shares its layers, to which a QEMU that a guest has taken over may still write
 * (decision 28). So it stays in the project, also when an administrator makes it, who sees those of all projects.
 */
function demandOwn(ctx: Ctx, words: 'snapshot' | 'volume', { projectId }: { projectId: string }): void {
  if (projectId !== projectOf(ctx))
    throw conflict(
      `The ${words} belongs to another project, which alone has what shares its data. Make a backup there and restore the backup.`,
    )
}

/** The hosts of which one must reach a new volume. `hostId`: the one that its instance is on. Throws conflict when there is none. */
export function hostsFor(
  origin: Origin | null,
  hostId: string | undefined,
): { hostId?: string; among?: Origin['among'] } {
  const others = origin?.among ?? []
  const hasChoice = others.length > 1
  const bound = hasChoice ? undefined : (origin?.hostId ?? undefined)
  const isFar = hasChoice ? !others.some(({ id }) => id === hostId) : bound !== undefined && bound !== hostId
  if (origin && hostId !== undefined && isFar)
    throw conflict(`The ${origin.words} lies on the disk of another machine.`)
  return { hostId: bound ?? hostId, ...(hasChoice ? { among: others } : {}) }
}

/** A volume gets a copy of what a backup contains, so that the two share nothing. */
async function ofBackup(ctx: Ctx, backupId: string): Promise<Origin> {
  const row = await lockBackup(ctx, 'volumeBackup:restore', backupId)
  demandBackup(backupCan.restore, row)
  const { sizeGib, hostId, typeId, bootable, imageId, imageName, keyId } = row
  const data = { keyId, bootable, imageId, imageName, backupId }
  const among = await hostsOfStore(ctx, row)
  return { words: 'backup', leastGib: sizeGib, hostId, among, ...(typeId === null ? {} : { typeId }), data }
}

const imageMetadataOf = (volume: { imageMetadata: unknown }) => volume.imageMetadata as Record<string, string>

/** What is made of a volume belongs to the lineage of the volume, which the volume begins unless it was made so itself. */
const lineageOf = (volume: { id: string; lineageId: string | null }): string => volume.lineageId ?? volume.id

async function ofImage(ctx: Ctx, id: string): Promise<Origin> {
  const image = await findBootImage(ctx, id)
  if (!image) throw notFound('image', id)
  if (image.state !== 'active')
    throw conflict(`The image ${image.name} is ${image.state}. Only an active image can be used.`)
  const { blobId, format, virtualBytes, minDiskGib, name } = image
  const leastGib = Math.max(1, minDiskGib, Math.ceil(virtualBytes / gib))
  const source = { blobId, format, virtualBytes }
  const data = { bootable: true, imageId: id, imageName: name, source }
  return { words: 'image', leastGib, hostId: null, data }
}
