'use client'
import { Anchor, Button, Stack } from '@mantine/core'
import type { ServerGroupView } from '@stratolith/api/compute/contract'
import { IconServer2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../../kit/Ago.tsx'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { serverGroupDescriptor } from './descriptor.tsx'
import { policyText, policyWords } from './policy-words.ts'
import { useServerGroupActions } from './use-server-group-actions.tsx'

export function ServerGroupPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const query = useQuery(trpc.compute.serverGroups.get.queryOptions({ id }))
  const actions = useServerGroupActions()
  return (
    <Loaded query={query}>
      {(view) => (
        <DetailPage
          descriptor={serverGroupDescriptor}
          view={view}
          actions={actions}
          description={policyWords[view.policy].description}
          tabs={[
            { id: 'overview', label: 'Overview', content: <Overview view={view} /> },
            {
              id: 'operations',
              label: 'Operations',
              content: <OperationsOf resourceId={view.id} projectId={view.projectId} />,
            },
          ]}
        />
      )}
    </Loaded>
  )
}

function Overview({ view }: { view: ServerGroupView }) {
  return (
    <Stack gap="md">
      <Section title="Facts">
        <Facts
          items={[
            { label: 'ID', value: view.id, copy: view.id },
            { label: 'Instances stand', value: policyText(view) },
            { label: 'Policy', value: view.policy },
            { label: 'Created', value: <Ago iso={view.createdAt} /> },
          ]}
        />
      </Section>
      <Section title="Members">
        <RowsTable
          descriptor={{
            kind: 'instance',
            noun: 'Instance',
            plural: 'Members',
            name: ({ name }: { id: string; name: string }) => name,
            icon: <IconServer2 size={28} />,
            columns: [
              {
                id: 'name',
                header: 'Instance',
                cell: ({ id, name }) => (
                  <Anchor component={Link} size="sm" href={paths.instance(id)}>
                    {name}
                  </Anchor>
                ),
              },
            ],
          }}
          rows={view.members}
          empty={
            <EmptyState
              icon={<IconServer2 size={28} />}
              title="No instances yet"
              text="An instance joins a group when it is launched: choose the group under “More options”."
              action={
                <Button component={Link} href={`${paths.launch}?group=${view.id}`} variant="default">
                  Launch an instance into it
                </Button>
              }
            />
          }
        />
      </Section>
    </Stack>
  )
}
