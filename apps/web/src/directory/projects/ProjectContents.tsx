'use client'
import { Text } from '@mantine/core'
import type { ProjectDeletionPlan } from '@stratolith/api/directory/projects/contract'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../kit/descriptor.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'

/** The things of a project, counted by kind. */
export function ProjectContents({ id }: { id: string }) {
  const trpc = useTRPC()
  const plan = useQuery(trpc.directory.projects.deletionPlan.queryOptions({ id }))
  return (
    <Section title="Contents" description="Everything that is the project’s, and would go with it.">
      <Loaded query={plan}>{(view) => <ThingsTable plan={view} />}</Loaded>
    </Section>
  )
}

const contents: RowsDescriptor<{ id: string; title: string; count: number }> = {
  kind: 'project',
  noun: 'Thing',
  plural: 'Contents',
  name: ({ title }) => title,
  icon: null,
  columns: [
    { id: 'what', header: 'What', cell: ({ title }) => title },
    { id: 'count', header: 'How many', cell: ({ count }) => count.toLocaleString('en') },
  ],
}

/** The things in the order in which they would be deleted. */
export function ThingsTable({ plan }: { plan: ProjectDeletionPlan }) {
  const rows = [
    ...plan.things,
    ...(plan.assignments > 0
      ? [{ kind: 'assignment', title: 'Role assignments', count: plan.assignments }]
      : []),
  ]
  if (rows.length === 0)
    return (
      <Text size="sm" c="dimmed">
        It is empty, and nobody has a role in it.
      </Text>
    )
  return <RowsTable descriptor={contents} rows={rows.map((row) => ({ ...row, id: row.kind }))} />
}
