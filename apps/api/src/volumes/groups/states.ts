import type { Allowed } from '../../kernel/contract.ts'
import { said } from '../states.ts'

/** States of groups and of group snapshots, in the words of OpenStack's block storage. Without zod, so that pages load little. */
export const groupStates = ['creating', 'available', 'error'] as const
export type GroupState = (typeof groupStates)[number]
export const groupSnapshotStates = ['creating', 'available', 'deleting', 'error', 'error_deleting'] as const
export type GroupSnapshotState = (typeof groupSnapshotStates)[number]

/** The most volumes of a group: each is a part of every snapshot of the group. */
export const mostVolumes = 100

type Seen = { state: GroupState }
type SeenSnapshot = { state: GroupSnapshotState }

/** The actions that the state of a group forbids; the policy may forbid more. */
export const groupCan = {
  change: ({ state }: Seen): Allowed =>
    state === 'available' || `Only an available group can be changed; this one is ${said({ state })}.`,
  /** The volumes of a group that is being made are made one by one. */
  grow: ({ state }: Seen): Allowed =>
    state !== 'error' || 'Something is wrong with this group. Ask an administrator.',
  snapshot: ({ state, volumes }: Seen & { volumes: number }): Allowed =>
    state !== 'available'
      ? `Only an available group can be kept in a snapshot; this one is ${said({ state })}.`
      : volumes > 0 || 'The group has no volumes. Add some first.',
  delete: ({ state, hasSnapshots }: Seen & { hasSnapshots: boolean }): Allowed =>
    state === 'creating'
      ? 'The volumes of this group are being made. Wait until that is over.'
      : !hasSnapshots || 'The group has snapshots. Delete the snapshots first.',
}

export const groupSnapshotCan = {
  use: ({ state }: SeenSnapshot): Allowed =>
    state === 'available' || `Only an available group snapshot can be used; this one is ${said({ state })}.`,
  delete: ({ state }: SeenSnapshot): Allowed =>
    ['available', 'error', 'error_deleting'].includes(state) ||
    `This group snapshot is ${said({ state })}. Wait until that is over.`,
}
