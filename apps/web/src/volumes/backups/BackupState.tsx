import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import { backupStates, type BackupState as State } from '@stratolith/api/volumes/backups/states'
import { StateBadge, type Tone } from '../../kit/StateBadge.tsx'
import { CopyStateInList } from '../copy-state.tsx'

const looks: Record<State, { text: string; tone: Tone }> = {
  creating: { text: 'Backing up', tone: 'busy' },
  available: { text: 'Available', tone: 'off' },
  restoring: { text: 'Restoring', tone: 'busy' },
  deleting: { text: 'Deleting', tone: 'busy' },
  error: { text: 'Error', tone: 'bad' },
  error_deleting: { text: 'Not deleted', tone: 'bad' },
}

/** The filter of the list by state; the address says `?state=available`. */
export const backupStateFilter = {
  id: 'state',
  label: 'State',
  options: backupStates.map((value) => ({ value, label: looks[value].text })),
}

/** Shows the state of a backup in a list, with the percentage while it is being made. */
export function BackupStateNow({ backup }: { backup: BackupView }) {
  const { id, projectId, state } = backup
  if (state !== 'creating') return <BackupState backup={backup} />
  return <CopyStateInList resourceId={id} projectId={projectId} word={looks[state].text} />
}

/** Shows the state of a backup in words, with the reason of a failure on hover. */
export function BackupState({ backup }: { backup: Pick<BackupView, 'state' | 'error'> }) {
  // A page stays open during an upgrade, and may get states that it does not know.
  const { text, tone } = looks[backup.state] ?? { text: backup.state, tone: 'off' }
  return <StateBadge state={text} tone={tone} detail={backup.error} />
}
