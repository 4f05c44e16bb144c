import { StateBadge, type Tone } from '../kit/StateBadge.tsx'

type State = 'build' | 'active' | 'down' | 'error' | 'deleting' | 'n/a'
const looks: Record<State, { text: string; tone: Tone }> = {
  build: { text: 'Building', tone: 'busy' },
  active: { text: 'Active', tone: 'good' },
  down: { text: 'Down', tone: 'off' },
  error: { text: 'Error', tone: 'bad' },
  'n/a': { text: 'No state', tone: 'off' },
  deleting: { text: 'Deleting', tone: 'busy' },
}

/** Shows the state of a network, port, router or floating IP in words. */
export const NetState = ({ state, detail }: { state: State; detail?: string | null }) => {
  // A page stays open during an upgrade, and may get states that it does not know.
  const { text, tone } = looks[state] ?? { text: state, tone: 'off' }
  return <StateBadge state={text} tone={tone} detail={detail} />
}
