import type { VolumeView } from '@stratolith/api/volumes/contract'
import { failedStates, type VolumeState as State, volumeStates } from '@stratolith/api/volumes/states'
import { StateBadge, type Tone } from '../kit/StateBadge.tsx'
import { CopyStateInList } from './copy-state.tsx'
import { copyUnderWay } from './words.ts'

const looks: Record<State, { text: string; tone: Tone }> = {
  creating: { text: 'Creating', tone: 'busy' },
  available: { text: 'Available', tone: 'off' },
  reserved: { text: 'Reserved', tone: 'off' },
  attaching: { text: 'Attaching', tone: 'busy' },
  'in-use': { text: 'In use', tone: 'good' },
  detaching: { text: 'Detaching', tone: 'busy' },
  extending: { text: 'Extending', tone: 'busy' },
  'awaiting-transfer': { text: 'Offered', tone: 'off' },
  reverting: { text: 'Going back', tone: 'busy' },
  retyping: { text: 'Changing type', tone: 'busy' },
  maintenance: { text: 'Moving', tone: 'busy' },
  uploading: { text: 'Copying to an image', tone: 'busy' },
  downloading: { text: 'Getting an image', tone: 'busy' },
  'backing-up': { text: 'Backing up', tone: 'busy' },
  'restoring-backup': { text: 'Restoring', tone: 'busy' },
  deleting: { text: 'Deleting', tone: 'busy' },
  error: { text: 'Error', tone: 'bad' },
  error_extending: { text: 'Not extended', tone: 'bad' },
  error_restoring: { text: 'Not restored', tone: 'bad' },
  error_deleting: { text: 'Not deleted', tone: 'bad' },
}

const filtered = volumeStates.filter((state) => !failedStates.includes(state))

/** The filter of the list by state; the address says `?state=in-use`. All failures are found together. */
export const stateFilter = {
  id: 'state',
  label: 'State',
  options: [
    ...filtered.map((value) => ({ value, label: looks[value].text })),
    { value: 'failed', label: 'Failed' },
  ],
}

/** Shows the state of a volume in a list, with the percentage of a long copy. */
export function VolumeStateNow({ volume }: { volume: VolumeView }) {
  const { id, projectId, state } = volume
  if (copyUnderWay(volume) === undefined) return <VolumeState volume={volume} />
  return <CopyStateInList resourceId={id} projectId={projectId} word={looks[state].text} />
}

/** Shows the state of a volume in words, with the reason of a failure on hover. */
export function VolumeState({ volume }: { volume: Pick<VolumeView, 'state' | 'error'> }) {
  // A page stays open during an upgrade, and may get states that it does not know.
  const { text, tone } = looks[volume.state] ?? { text: volume.state, tone: 'off' }
  return <StateBadge state={text} tone={tone} detail={volume.error} />
}
