'use client'
import { Stack, Table, Text } from '@mantine/core'
import type { ProjectDeletionPlan } from '@stratolith/api/directory/projects/contract'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../kit/Loaded.tsx'
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
  return (
    <Stack gap={0} maw={420}>
      <Table aria-label="Contents" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>What</Table.Th>
            <Table.Th ta="end">How many</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ kind, title, count }) => (
            <Table.Tr key={kind}>
              <Table.Td>{title}</Table.Td>
              <Table.Td ta="end" style={{ fontVariantNumeric: 'tabular-nums' }}>
                {count.toLocaleString('en')}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  )
}
