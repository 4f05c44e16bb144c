'use client'
import { Accordion, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import { Loaded } from '../kit/Loaded.tsx'
import { useLook } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { Explanation } from './Explanation.tsx'
import { OperationState, OperationTime } from './OperationState.tsx'
import { Timeline } from './Timeline.tsx'
import { operationTitle } from './words.ts'

/** The history of one resource, with the newest operation first and open. */
export function OperationHistory({ resourceId, projectId }: { resourceId: string; projectId: string }) {
  const trpc = useTRPC()
  const { allProjects, hidden } = useLook(projectId)
  const query = useQuery({
    ...trpc.operations.list.queryOptions({ resourceId, limit: 100, allProjects }),
    enabled: !hidden,
  })
  if (hidden)
    return (
      <Text c="dimmed" size="sm">
        It belongs to another project, and only that project sees what was done with it.
      </Text>
    )
  return (
    <Loaded query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <Text c="dimmed" size="sm">
            Nothing has been done with it yet.
          </Text>
        ) : (
          <Accordion variant="separated" multiple defaultValue={items.slice(0, 1).map(({ id }) => id)}>
            {items.map((operation) => (
              <Accordion.Item key={operation.id} value={operation.id}>
                <Accordion.Control>
                  <Group gap="sm">
                    <Text size="sm" fw={600}>
                      {operationTitle(operation)}
                      {operation.volumeName !== null && ` · ${operation.volumeName}`}
                    </Text>
                    <OperationState operation={operation} />
                    <Text size="sm" c="dimmed" component="div">
                      <OperationTime operation={operation} /> · {operation.actorName ?? 'the cloud'} ·{' '}
                      <Ago iso={operation.createdAt} />
                    </Text>
                  </Group>
                </Accordion.Control>
                <Accordion.Panel>
                  <Stack gap="md">
                    <Timeline operation={operation} />
                    {operation.explanation && <Explanation placement={operation.explanation} />}
                  </Stack>
                </Accordion.Panel>
              </Accordion.Item>
            ))}
          </Accordion>
        )
      }
    </Loaded>
  )
}
