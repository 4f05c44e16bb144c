'use client'
import { Group, Text } from '@mantine/core'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { IconFolderMinus, IconFolderPlus, IconFolders } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ProjectPick } from '../../directory/pickers.tsx'
import { ProjectName } from '../../directory/projects/ProjectName.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { cloudError } from '../../kit/errors.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'

type Row = { id: string }
const descriptor: ResourceDescriptor<Row> = {
  kind: 'volumeType',
  noun: 'Project',
  plural: 'Projects with access',
  name: ({ id }) => id,
  icon: <IconFolders size={28} />,
  columns: [
    { id: 'project', header: 'Project', cell: ({ id }) => <ProjectName id={id} /> },
    { id: 'id', header: 'ID', hideBelow: 'sm', cell: ({ id }) => id },
  ],
  empty: { title: 'No project has access', text: 'Only administrators see it. Let a project in.' },
}

/** The list of projects that may use a type that is not for everybody. */
export function TypeAccess({ type }: { type: VolumeTypeView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const [chosen, setChosen] = useState<string | null>(null)
  const access = useQuery({
    ...trpc.volumes.types.access.queryOptions({ id: type.id }),
    enabled: !type.public,
  })
  const revoke = useMutation(trpc.volumes.types.revoke.mutationOptions())
  const grant = useMutation(
    trpc.volumes.types.grant.mutationOptions({
      onSuccess() {
        setChosen(null)
        invalidateKind(client, 'volumeType')
      },
    }),
  )
  if (type.public)
    return (
      <Section title="Access">
        <Text size="sm">It is for everybody: every project may use it for volumes.</Text>
      </Section>
    )
  return (
    <Section
      title="Access"
      description="These projects see it and use it for volumes."
      action={
        <Group gap="xs" align="flex-start" wrap="nowrap">
          <ProjectPick
            key={access.data?.length}
            size="xs"
            label={null}
            aria-label="Project to let in"
            placeholder="Project"
            value={chosen}
            onChange={setChosen}
            error={grant.error ? cloudError(grant.error).message : null}
          />
          <ReasonButton
            size="xs"
            leftSection={<IconFolderPlus size={14} />}
            loading={grant.isPending}
            allowed={all(admin(), chosen !== null || 'Choose a project first.')}
            onClick={() => chosen && grant.mutate({ id: type.id, projectId: chosen })}
          >
            Let in
          </ReasonButton>
        </Group>
      }
    >
      <Loaded query={access}>
        {(ids: string[]) => (
          <RowsTable
            descriptor={descriptor}
            rows={ids.map((id) => ({ id }))}
            actions={[
              {
                id: 'revoke',
                label: 'Take access away',
                icon: <IconFolderMinus size={16} />,
                danger: true,
                allowed: admin,
                confirm: () => ({
                  title: 'Take access away?',
                  body: 'Its volumes keep the type; new ones cannot be created with it.',
                  confirmLabel: 'Take away',
                }),
                run: ({ id }) => revoke.mutateAsync({ id: type.id, projectId: id }),
                started: () => 'Taken away',
                asCli: ({ id }) =>
                  shellLine('openstack', 'volume', 'type', 'unset', '--project', id, type.id),
              },
            ]}
          />
        )}
      </Loaded>
    </Section>
  )
}
