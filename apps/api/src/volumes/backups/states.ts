import type { Allowed } from '../../kernel/contract.ts'
import { said } from '../states.ts'

/** States of backups, in the words of OpenStack's block storage. Without zod, so that pages load little. */
export const backupStates = [
  'creating',
  'available',
  'restoring',
  'deleting',
  'error',
  'error_deleting',
] as const
export type BackupState = (typeof backupStates)[number]
export const backupTransitioning = (state: BackupState): boolean =>
  ['creating', 'restoring', 'deleting'].includes(state)

type Seen = { state: BackupState }
const is = ({ state }: Seen, ...some: BackupState[]) => some.includes(state)

/** The actions that the state of a backup forbids; the policy may forbid more. */
export const backupCan = {
  /** Several volumes may get the content of a backup at once. */
  restore: (backup: Seen): Allowed =>
    is(backup, 'available', 'restoring') ||
    `Only an available backup can be restored; this one is ${said(backup)}.`,
  export: (backup: Seen): Allowed =>
    is(backup, 'available') || `Only an available backup has a record; this one is ${said(backup)}.`,
  cancel: (backup: Seen): Allowed =>
    is(backup, 'creating') || `Only a backup that is being made can be stopped; this one is ${said(backup)}.`,
  delete: (backup: Seen): Allowed =>
    is(backup, 'available', 'error', 'error_deleting') ||
    `This backup is ${said(backup)}. Wait until that is over.`,
}
