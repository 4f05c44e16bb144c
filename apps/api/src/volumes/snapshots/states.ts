import type { Allowed } from '../../kernel/contract.ts'
import { said } from '../states.ts'

/** States of snapshots, in the words of OpenStack's block storage. Without zod, so that pages load little. */
export const snapshotStates = [
  'creating',
  'available',
  'backing-up',
  'restoring',
  'deleting',
  'error',
  'error_deleting',
] as const
export type SnapshotState = (typeof snapshotStates)[number]
export const snapshotTransitioning = (state: SnapshotState): boolean =>
  ['creating', 'backing-up', 'restoring', 'deleting'].includes(state)

type Seen = { state: SnapshotState }
const is = ({ state }: Seen, ...some: SnapshotState[]) => some.includes(state)

/** Why a deleted snapshot cannot be taken back. */
export const volumeIsDeleted = 'Its volume is deleted. Take the volume back first.'
export const partOfGroupSnapshot = 'This is a part of a group snapshot. Delete the group snapshot.'
/** The actions that the state of a snapshot forbids; the policy may forbid more. */
export const snapshotCan = {
  use: (snapshot: Seen): Allowed =>
    is(snapshot, 'available') || `Only an available snapshot can be used; this one is ${said(snapshot)}.`,
  launch: (snapshot: Seen & { bootable: boolean }): Allowed =>
    !snapshot.bootable
      ? 'It has no system: only a snapshot of a volume that was made from an image, or is marked as bootable, can be launched.'
      : is(snapshot, 'available') ||
        `Only an available snapshot can be launched; this one is ${said(snapshot)}.`,
  delete: (snapshot: Seen & { groupSnapshotId?: string | null }): Allowed =>
    snapshot.groupSnapshotId != null
      ? partOfGroupSnapshot
      : is(snapshot, 'available', 'error', 'error_deleting') ||
        `This snapshot is ${said(snapshot)}. Wait until that is over.`,
}
