import { Stack, Text } from '@mantine/core'
import type { StrayView } from '@stratolith/api/hosts/contract'
import { IconHelpHexagon } from '@tabler/icons-react'
import { Ago } from '../kit/Ago.tsx'
import { DateTime } from '../kit/DateTime.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { StateBadge } from '../kit/StateBadge.tsx'
import { placeName, strayName, strayProject, strayWords } from './stray-words.ts'

export const strayDescriptor: ResourceDescriptor<StrayView> = {
  kind: 'host',
  noun: 'Unknown thing',
  plural: 'Unknown things',
  name: strayName,
  icon: <IconHelpHexagon size={28} />,
  columns: [
    {
      id: 'what',
      header: 'What',
      width: 130,
      sort: true,
      value: (stray) => strayWords[stray.kind].noun,
      cell: (stray) => strayWords[stray.kind].noun,
    },
    {
      id: 'name',
      header: 'Name or ID',
      value: strayName,
      cell: (stray) => (
        <Stack gap={0}>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {strayName(stray)}
          </Text>
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {[strayProject(stray), stray.details, stray.name && stray.thing].filter(Boolean).join(' · ')}
          </Text>
        </Stack>
      ),
    },
    {
      id: 'where',
      header: 'Where',
      width: 130,
      hideBelow: 'sm',
      value: (stray) => placeName(stray.host),
      cell: (stray) => placeName(stray.host),
    },
    {
      id: 'since',
      header: 'Found',
      width: 130,
      hideBelow: 'md',
      sort: true,
      value: (stray) => stray.firstSeenAt,
      cell: (stray) => <Ago iso={stray.firstSeenAt} />,
    },
    {
      id: 'fate',
      header: 'Will be',
      width: 190,
      value: (stray) => stray.removedAfter,
      cell: (stray) => <Fate stray={stray} />,
    },
  ],
  empty: {
    title: 'Nothing is unknown',
    text: 'Everything on the hosts and in the image store has its place in the database. After an older backup was restored, what is newer than it is shown here, to be adopted or kept before its time is over.',
  },
}

function Fate({ stray }: { stray: StrayView }) {
  if (stray.decision === 'keep') return <StateBadge tone="good" state="Kept" />
  if (stray.decision === 'remove')
    return <StateBadge tone="bad" state="Removed soon" detail="At the next round, within a minute." />
  return (
    <Text size="sm">
      {stray.removedAfter ? (
        <>
          removed after <DateTime iso={stray.removedAfter} />
        </>
      ) : (
        'kept'
      )}
    </Text>
  )
}
