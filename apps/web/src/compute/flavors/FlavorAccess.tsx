'use client'
import { Group, Text } from '@mantine/core'
import type { FlavorView } from '@stratolith/api/compute/contract'
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
  kind: 'flavor',
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

/** The list of projects that may launch with a private flavor. */
export function FlavorAccess({ flavor }: { flavor: FlavorView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const [chosen, setChosen] = useState<string | null>(null)
  const access = useQuery({
    ...trpc.compute.flavors.access.queryOptions({ id: flavor.id }),
    enabled: !flavor.public,
  })
  const revoke = useMutation(trpc.compute.flavors.revoke.mutationOptions())
  const grant = useMutation(
    trpc.compute.flavors.grant.mutationOptions({
      onSuccess() {
        setChosen(null)
        invalidateKind(client, 'flavor')
      },
    }),
  )
  if (flavor.public)
    return (
      <Section title="Access">
        <Text size="sm">It is public: every project launches with it.</Text>
      </Section>
    )
  return (
    <Section
      title="Access"
      description="These projects see it and launch with it."
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
            onClick={() => chosen && grant.mutate({ id: flavor.id, projectId: chosen })}
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
                  body: 'Its instances go on; new ones cannot be launched with this flavor.',
                  confirmLabel: 'Take away',
                }),
                run: ({ id }) => revoke.mutateAsync({ id: flavor.id, projectId: id }),
                started: () => 'Taken away',
                asCli: ({ id }) => shellLine('openstack', 'flavor', 'unset', '--project', id, flavor.id),
              },
            ]}
          />
        )}
      </Loaded>
    </Section>
  )
}
