import { StateBadge, type Tone } from '../../kit/StateBadge.tsx'

const looks: Readonly<Record<string, { text: string; tone: Tone }>> = {
  creating: { text: 'Creating', tone: 'busy' },
  available: { text: 'Available', tone: 'off' },
  deleting: { text: 'Deleting', tone: 'busy' },
  error: { text: 'Error', tone: 'bad' },
  error_deleting: { text: 'Not deleted', tone: 'bad' },
}

/** The filter of the list by state. */
export const groupStateFilter = {
  id: 'state',
  label: 'State',
  options: (['available', 'creating', 'error'] as const).map((value) => ({
    value,
    label: looks[value]?.text ?? value,
  })),
}

/** Shows the state of a group or of a group snapshot in words, with the reason of a failure on hover. */
export function GroupState({ view }: { view: { state: string; error: string | null } }) {
  const { text, tone } = looks[view.state] ?? { text: view.state, tone: 'off' as const }
  return <StateBadge state={text} tone={tone} detail={view.error} />
}
