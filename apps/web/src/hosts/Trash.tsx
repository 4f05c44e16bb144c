'use client'
import { Stack, Text } from '@mantine/core'
import type { DiskTrash, TrashView } from '@stratolith/api/hosts/contract'
import { IconArrowBackUp, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import { DateTime } from '../kit/DateTime.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { bytes } from '../kit/format.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { useAdminOnly } from '../kit/rights.ts'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'
import { placeName, putBackText, strayWords, trashName } from './stray-words.ts'

type Row = TrashView & { id: string }

/**
 * The trash: disks and bytes that were unknown and have been removed. They can be put back until their time is over.
 */
export function Trash({ hostId }: { hostId?: string }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const disks = useQuery(trpc.hosts.trash.queryOptions({ hostId }))
  const blobs = useQuery(trpc.images.trash.queryOptions())
  const disk = useMutation(trpc.hosts.takeBack.mutationOptions())
  const blob = useMutation(trpc.images.takeBack.mutationOptions())
  const ofStore = hostId === undefined ? (blobs.data ?? []) : []
  const rows = [...(disks.data?.items ?? []), ...ofStore].map((one) => ({
    ...one,
    id: `${one.host?.id ?? ''}/${one.thing}`,
  }))
  const lacking = disks.data ? lackingOf(disks.data) : []
  if (rows.length === 0 && lacking.length === 0) return null
  return (
    <Section title="In the trash" description="Unknown things that were removed. They are not lost yet.">
      {lacking.map((sentence) => (
        <Text key={sentence} size="sm" c="dimmed">
          {sentence}
        </Text>
      ))}
      <RowsTable
        descriptor={trashDescriptor}
        rows={rows}
        actions={[
          {
            id: 'take-back',
            label: 'Put back',
            icon: <IconArrowBackUp size={16} />,
            allowed: () => admin(),
            confirm: ([one]) => ({
              title: `Put back ${one ? trashName(one) : ''}?`,
              body: one ? putBackText(one) : '',
              confirmLabel: 'Put back',
            }),
            run: ({ host, thing }) =>
              host ? disk.mutateAsync({ hostId: host.id, thing }) : blob.mutateAsync({ sha256: thing }),
            started: () => 'Put back; it is listed as unknown again within a minute',
          },
        ]}
      />
    </Section>
  )
}

/** Sentences about trash that the table does not show. */
function lackingOf({ more, hosts: { all, asked, silent } }: DiskTrash): string[] {
  return [
    ...(more > 0 ? [`There are ${more} more, which were removed earlier.`] : []),
    ...(asked < all
      ? [
          `These are of ${asked} hosts out of ${all}. To see another’s, choose “What is unknown there” in its menu under Hosts.`,
        ]
      : []),
    ...(silent.length > 0
      ? [`No answer from ${silent.join(', ')}: what is in the trash there is not shown.`]
      : []),
  ]
}

const trashDescriptor: ResourceDescriptor<Row> = {
  kind: 'host',
  noun: 'Thing in the trash',
  plural: 'Things in the trash',
  name: trashName,
  icon: <IconTrash size={28} />,
  columns: [
    { id: 'what', header: 'What', width: 130, cell: ({ kind }) => strayWords[kind].noun },
    {
      id: 'name',
      header: 'Name or ID',
      cell: (one) => (
        <Stack gap={0}>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {trashName(one)}
          </Text>
          {one.guest && (
            <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {`of project ${one.guest.project.name ?? one.guest.project.id} · ${one.thing}`}
            </Text>
          )}
        </Stack>
      ),
    },
    { id: 'where', header: 'Where', hideBelow: 'sm', cell: ({ host }) => placeName(host) },
    { id: 'size', header: 'On disk', hideBelow: 'sm', cell: ({ sizeBytes }) => bytes(sizeBytes) },
    { id: 'since', header: 'Removed', hideBelow: 'md', cell: ({ trashedAt }) => <Ago iso={trashedAt} /> },
    { id: 'gone', header: 'Gone after', cell: ({ goneAfter }) => <DateTime iso={goneAfter} /> },
  ],
  empty: {
    title: 'The trash is empty',
    text: 'Unknown disks and image bytes that are removed come here first.',
  },
}
