'use client'
import { Text } from '@mantine/core'
import type { TrashedVolumeView } from '@stratolith/api/volumes/trash/contract'
import { IconArrowBackUp, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceAction, RowsDescriptor } from '../kit/descriptor.ts'
import { gib } from '../kit/format.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { all, useMay } from '../kit/rights.ts'
import { useSession } from '../kit/session.ts'
import { TwoLines } from '../kit/TwoLines.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'
import { deletedVolumes } from './list.ts'
import { volumeDescriptor, volumeName } from './volume.descriptor.tsx'
import { countsText } from './words.ts'

const descriptor: RowsDescriptor<TrashedVolumeView> = {
  kind: 'volume',
  noun: 'Deleted volume',
  plural: 'Deleted volumes',
  name: volumeName,
  icon: volumeDescriptor.icon,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: (volume) => <TwoLines second={volume.description}>{volumeName(volume)}</TwoLines>,
    },
    { id: 'size', header: 'Size', width: 100, cell: ({ sizeGib }) => gib(sizeGib) },
    {
      id: 'until',
      header: 'Its data go',
      cell: ({ until, state }) => (state === 'deleting' ? 'Now' : <Ago iso={until} />),
    },
  ],
}

/** The volumes that are deleted and can be taken back; nothing when there are none. */
export function DeletedVolumes({ allProjects }: { allProjects: boolean }) {
  const trpc = useTRPC()
  const { data } = useQuery(deletedVolumes(allProjects)(trpc))
  const actions = useActions()
  if (!data || data.items.length === 0) return null
  return (
    <Section title="Deleted, can be taken back" description={countsText(data.items, data.next !== null)}>
      <RowsTable descriptor={descriptor} rows={data.items} actions={actions} />
    </Section>
  )
}

function useActions(): ResourceAction<TrashedVolumeView>[] {
  const trpc = useTRPC()
  const may = useMay()
  const here = useSession().project?.id
  const takeBack = useMutation(trpc.volumes.trash.takeBack.mutationOptions())
  const end = useMutation(trpc.volumes.trash.end.mutationOptions())
  const allowed = (volume: TrashedVolumeView) =>
    all(may(volume.projectId === here), volume.state !== 'deleting' || 'Its data are being removed already.')
  return [
    {
      id: 'take-back',
      label: 'Take back',
      icon: <IconArrowBackUp size={16} />,
      allowed,
      run: ({ id }) => takeBack.mutateAsync({ id }),
      started: ([volume]) => `“${volume ? volumeName(volume) : ''}” is back`,
    },
    {
      id: 'delete',
      label: 'Delete now',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed,
      confirm: ([volume]) => ({
        title: `Delete “${volume ? volumeName(volume) : ''}” now?`,
        body: (
          <Text size="sm">
            All data on its {gib(volume?.sizeGib ?? 0)} is lost at once, and its room and quota are free.
          </Text>
        ),
        confirmLabel: 'Delete now',
      }),
      run: ({ id }) => end.mutateAsync({ id }),
      started: ([volume]) => `Deleting “${volume ? volumeName(volume) : ''}” for good`,
    },
  ]
}
