import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { type SnapshotState as State, snapshotStates } from '@stratolith/api/volumes/snapshots/states'
import { StateBadge, type Tone } from '../../kit/StateBadge.tsx'

const looks: Record<State, { text: string; tone: Tone }> = {
  creating: { text: 'Creating', tone: 'busy' },
  available: { text: 'Available', tone: 'off' },
  'backing-up': { text: 'Backing up', tone: 'busy' },
  restoring: { text: 'Restoring', tone: 'busy' },
  deleting: { text: 'Deleting', tone: 'busy' },
  error: { text: 'Error', tone: 'bad' },
  error_deleting: { text: 'Not deleted', tone: 'bad' },
}

/** The filter of the list by state; the address says `?state=available`. */
export const snapshotStateFilter = {
  id: 'state',
  label: 'State',
  options: snapshotStates.map((value) => ({ value, label: looks[value].text })),
}

/** Shows the state of a snapshot in words, with the reason of a failure on hover. */
export function SnapshotState({ snapshot }: { snapshot: Pick<SnapshotView, 'state' | 'error'> }) {
  // A page stays open during an upgrade, and may get states that it does not know.
  const { text, tone } = looks[snapshot.state] ?? { text: snapshot.state, tone: 'off' }
  return <StateBadge state={text} tone={tone} detail={snapshot.error} />
}
