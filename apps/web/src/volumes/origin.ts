import type { ImageView } from '@stratolith/api/images/contract'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { gib } from '../kit/format.ts'

/** What a new volume begins with. */
export type From = 'nothing' | 'image' | 'snapshot' | 'volume' | 'backup'
export const fromWords: Record<From, string> = {
  nothing: 'Empty',
  image: 'Image',
  snapshot: 'Snapshot',
  volume: 'Volume',
  backup: 'Backup',
}

/**
 * The type of a volume for which nobody chooses one: that of the snapshot, the volume or the backup that it is made of, and
 * else `usual`, the default.
 */
export const usualType = (from: From, usual: string): string =>
  from === 'nothing' || from === 'image' ? usual : `The type of the ${fromWords[from].toLowerCase()}`

/** The types that such a volume can have: those for several instances begin empty. */
export const typesFrom = <T extends { multiattach: boolean }>(from: From, types: readonly T[]): T[] =>
  types.filter(({ multiattach }) => from === 'nothing' || !multiattach)

/** A snapshot, a volume or a backup for which the form is opened. */
export type Given =
  | { from: 'snapshot'; view: SnapshotView }
  | { from: 'volume'; view: VolumeView }
  | { from: 'backup'; view: BackupView }

/** One thing that can be chosen; `problem`: the sentence why not now. */
export type Choice = { id: string; label: string; leastGib: number; problem: string | null }

export const imageLeastGib = ({ virtualBytes, minDiskGib }: Pick<ImageView, 'virtualBytes' | 'minDiskGib'>) =>
  Math.max(1, minDiskGib, Math.ceil((virtualBytes ?? 0) / 1024 ** 3))

/** Says below the size how small the volume may be. */
export const leastText = (from: From, least: number): string =>
  from === 'nothing' || least <= 1
    ? 'It can be extended later, and never made smaller.'
    : `The ${fromWords[from].toLowerCase()} needs ${gib(least)} at least.`

/** The part of the request, and of the command, that names what the volume begins with. */
export const sourceOf = (from: From, id: string | null) => ({
  imageId: from === 'image' ? id : null,
  snapshotId: from === 'snapshot' ? id : null,
  sourceVolumeId: from === 'volume' ? id : null,
  backupId: from === 'backup' ? id : null,
})
