import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { gib } from '../../kit/format.ts'

/** OpenStack's clients may leave a snapshot without a name. */
export const snapshotName = ({ name, id }: Pick<SnapshotView, 'name' | 'id'>): string => name || id

/** Says in a cell in which condition a guest finds the file systems of a snapshot. */
export const conditionText = (quiesced: boolean | null): string =>
  quiesced === null ? '–' : quiesced ? 'Consistent' : 'As after a power cut'

/** Says the same on the page of the snapshot, with the reason. */
export function conditionReason(quiesced: boolean | null): string {
  if (quiesced === null) return 'It is not taken yet.'
  return quiesced
    ? 'Consistent: nothing wrote to the volume at that moment. The guest held its file systems still, or no instance used the volume.'
    : 'As after a power cut: a guest wrote to the volume, and no guest agent could hold its file systems still. The guest repairs them when it mounts a copy.'
}

/** Writes a time as “2026-11-30 06:00”, by the clock of the person. */
const minute = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' })
/** The name that the forms of snapshots and backups propose: the name of the volume and the time. */
export const proposedName = (volume: string, now: Date): string =>
  `${volume.slice(0, 238)} ${minute.format(now)}`

/** Says what is lost with the snapshots, what stays, and how long (in words) they can be taken back; null: not at all. */
export function snapshotLoss(
  snapshots: readonly Pick<SnapshotView, 'sizeGib'>[],
  wait: string | null,
): string {
  const size = gib(snapshots.reduce((sum, { sizeGib }) => sum + sizeGib, 0))
  const [what, is, it, others] =
    snapshots.length === 1
      ? ['The state that it keeps', 'is', 'It gives', 'Its volume, and volumes that were made of it,']
      : [
          'The states that they keep',
          'are',
          'They give',
          'Their volumes, and volumes that were made of them,',
        ]
  return wait === null
    ? `${what} cannot be brought back. ${others} keep their data. ${it} ${size} of the quota back.`
    : `${what} ${is} deleted in ${wait} and can be taken back until then; ${size} count in the quota meanwhile. ${others} keep their data.`
}

/** Says what is lost when a volume goes back to a snapshot. */
export const reversionLoss = (volume: string, taken: string): string =>
  `Everything that was written to “${volume}” since ${taken} is lost. The snapshot stays, and so do later ones. A volume that was made larger keeps its size.`
