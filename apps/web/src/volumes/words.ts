import type { Allowed, QuotaResource, QuotaView } from '@stratolith/api/kernel/contract'
import type { VolumeTypeView, VolumeView } from '@stratolith/api/volumes/contract'
import { isRootVolume } from '@stratolith/api/volumes/states'
import { gib } from '../kit/format.ts'

/** How much the open form would take of the project's quota; only these limits concern the form. */
export type Adds = Partial<Record<QuotaResource, number>>
export const addsOf = (adds: Adds, resource: QuotaResource): number => adds[resource] ?? 0

const nouns: Partial<Record<QuotaResource, string>> = {
  volumes: 'volumes',
  volumeSnapshots: 'volume snapshots',
  volumeBackups: 'volume backups',
  volumeGroups: 'volume groups',
  images: 'images',
}

/** Returns the sentence of the first limit that is too low; null when the quota is large enough. */
export function tooMuch(
  quotas: readonly Pick<QuotaView, 'resource' | 'used' | 'limit'>[],
  adds: Adds,
): string | null {
  const over = quotas.find(({ resource, used, limit }) => limit >= 0 && used + addsOf(adds, resource) > limit)
  if (!over) return null
  const left = Math.max(0, over.limit - over.used)
  if (over.resource === 'imageGib')
    return `The project’s quota has ${left} GiB for images left. Delete images, or ask an administrator for more.`
  if (over.resource === 'volumeBackupGib')
    return `The project’s quota has ${left} GiB for backups left. Delete backups, or ask an administrator for more.`
  if (over.resource !== 'volumeGib')
    return `The project may have ${over.limit} ${nouns[over.resource] ?? over.resource} and has ${over.used}. Delete one, or ask an administrator for more.`
  const isFixed = adds.volumeSnapshots || adds.volumeGroups
  const way = isFixed ? 'Delete something' : 'Choose a smaller size'
  return `The project’s quota has ${left} GiB left. ${way}, or ask an administrator for more.`
}

const ways: Partial<Record<VolumeView['state'], string>> = {
  error:
    'If the volume was being made, it is empty: delete it. Otherwise its old content may be whole: choose the action again in its menu, or ask an administrator to set its state.',
  error_extending: 'It has its old size and its data. Choose “Extend” to try again.',
  error_restoring:
    'A volume that was made for the backup is empty: delete it. Another one may have its old content, and the backup can be restored again.',
  error_deleting: 'Choose “Delete” to try again.',
}

/**
 * What to do about a volume in an error state; undefined in other states. A volume that could not be made is empty; after other
 * failures the content may be there, so nothing may simply advise to delete the volume.
 */
export const wayOut = ({ state, isWhole }: Pick<VolumeView, 'state' | 'isWhole'>): string | undefined =>
  isWhole && (state === 'error' || state === 'error_restoring')
    ? 'Its content is whole. Choose “Use it as it is” to make it available, or choose the action again in its menu.'
    : ways[state]

/** Whether a new thing would belong to the project of what it is made of; new things belong to the session's project. */
export const inItsProject = (
  own: boolean,
  what: 'new group' | 'new volume' | 'new instance' | 'copy',
): Allowed => own || `Switch to its project first: the ${what} belongs there.`

/** Why a volume cannot get a type; null when nothing is known against that. Both are decided when a volume is made. */
export function whyNotType(
  type: Pick<VolumeTypeView, 'encryption' | 'multiattach'>,
  volume: Pick<VolumeView, 'encrypted' | 'multiattach'>,
): string | null {
  if (volume.encrypted !== (type.encryption !== null))
    return volume.encrypted
      ? 'Its volumes are not encrypted, and this one is.'
      : 'Its volumes are encrypted, and this one is not.'
  if (volume.multiattach !== type.multiattach)
    return volume.multiattach
      ? 'Its volumes are for one instance at a time, and this one is for several.'
      : 'Its volumes are for several instances, and this one is not.'
  return null
}

/** Says whether a volume has to be moved to get a type; null when the type leaves the volume where it is. */
export function moveText(
  { choosesPool, extraSpecs }: Pick<VolumeTypeView, 'choosesPool' | 'extraSpecs'>,
  { pool }: Pick<VolumeView, 'pool'>,
): string | null {
  if (!choosesPool) return null
  const named = extraSpecs.pool_name
  if (!named || pool === null)
    return 'The type chooses the pool: a volume that lies in another one has to be moved.'
  return named === pool
    ? `The volume lies in ${pool} already, the pool of this type.`
    : `The volume lies in ${pool} and has to be moved to ${named}, the pool of this type.`
}

/** Says how the file system on a volume grows after the volume, and where the command for that is. */
export function growText(volume: Pick<VolumeView, 'attachments' | 'multiattach'>): string {
  if (isRootVolume(volume))
    return 'Many systems let the file system of their root disk grow at their next start; otherwise a command in the guest does that.'
  if (volume.multiattach) return 'A file system for clusters grows as its manual says.'
  const where = volume.attachments.length > 0 ? 'shows' : 'shows when an instance has the volume'
  return `The file system on it grows by a command in the guest, which the page of the volume ${where}.`
}

/** Why a list of choices is empty: it is being read, there is nothing else, or nothing has the typed name. */
export const noneText = (count: number | undefined, what: 'pool' | 'type'): string =>
  count === undefined
    ? `Looking for ${what}s…`
    : count === 0
      ? `There is no other ${what}.`
      : `No ${what} has such a name.`

type Copying = { title: string; label: string; stopping: string }
const moving = { label: 'How much is copied', stopping: 'Stopping the move' }
const copies: Partial<Record<VolumeView['state'], Copying>> = {
  retyping: { title: 'Moving to a pool of the new type', ...moving },
  maintenance: { title: 'Moving to another pool', ...moving },
  uploading: { title: 'Copying to an image', label: 'How much is copied', stopping: 'Stopping the copy' },
  downloading: { title: 'Writing an image', label: 'How much is written', stopping: 'Stopping the writing' },
  'restoring-backup': {
    ...{ title: 'Restoring a backup', label: 'How much is restored', stopping: 'Stopping the restore' },
  },
}

/** The long copy that is being made of or onto a volume, which its page follows; undefined when there is none. */
export const copyUnderWay = ({ state, backupId }: Pick<VolumeView, 'state' | 'backupId'>) =>
  state === 'creating' && backupId !== null ? copies['restoring-backup'] : copies[state]

/** The time in which a deleted thing can be taken back: "10 minutes", "2 hours", "1.5 days". */
export function waitText(minutes: number): string {
  const [size, unit] = minutes < 90 ? [1, 'minute'] : minutes < 36 * 60 ? [60, 'hour'] : [1440, 'day']
  const count = (minutes / size).toLocaleString('en', { maximumFractionDigits: 1 })
  return `${count} ${unit}${count === '1' ? '' : 's'}`
}

const sizeOf = (volumes: readonly Pick<VolumeView, 'sizeGib'>[]): string =>
  gib(volumes.reduce((sum, { sizeGib }) => sum + sizeGib, 0))

/** Says what is lost with the volumes, and how long (in minutes) they can be taken back. */
export function lossText(volumes: readonly Pick<VolumeView, 'sizeGib'>[], minutes: number): string {
  const data =
    volumes.length === 1 ? `data on its ${sizeOf(volumes)}` : `data on them, ${sizeOf(volumes)} together,`
  if (minutes === 0) return `All ${data} is deleted and cannot be brought back.`
  const [it, its] = volumes.length === 1 ? ['It', 'its room'] : ['They', 'their room']
  return `All ${data} is deleted in ${waitText(minutes)}. ${it} can be taken back until then, and ${its} counts in the quota.`
}

/** Says how much of the quota deleted volumes still take. */
export const countsText = (volumes: readonly Pick<VolumeView, 'sizeGib'>[], hasMore: boolean): string =>
  `They still count in the quota, with ${hasMore ? 'more than ' : ''}${sizeOf(volumes)}, until their data are gone.`

/** How volumes of a type are encrypted. */
export const encryptionWords = ({ keySize }: { keySize: 256 | 512 }): string =>
  keySize === 256 ? 'AES-128-XTS' : 'AES-256-XTS'
