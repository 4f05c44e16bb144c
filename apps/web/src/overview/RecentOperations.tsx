'use client'
import { Anchor, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'
import { OperationState, OperationTime } from '../operations/OperationState.tsx'
import { ResourceLink } from '../operations/operation.descriptor.tsx'
import { operationTitle } from '../operations/words.ts'
import { Section } from '../ui/Section.tsx'
import classes from './RecentOperations.module.css'

/** The last things that were done here, as they run. */
export function RecentOperations() {
  const trpc = useTRPC()
  const query = useQuery(trpc.operations.list.queryOptions({ limit: 10 }))
  return (
    <Section
      title="Recent operations"
      action={
        <Anchor component={Link} href={paths.operations} size="sm">
          All operations
        </Anchor>
      }
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Text size="sm" c="dimmed">
              Nothing has happened yet. What you do appears here, step by step.
            </Text>
          ) : (
            <ul className={classes.list}>
              {items.map((operation) => (
                <li key={operation.id} className={classes.item}>
                  <Stack gap={0} style={{ minWidth: 0 }}>
                    <Anchor
                      component={Link}
                      href={`${paths.operations}?operation=${operation.id}`}
                      prefetch={false}
                      size="sm"
                      fw={600}
                      c="var(--mantine-color-text)"
                    >
                      {operationTitle(operation)}
                    </Anchor>
                    <Group gap={6} fz="sm" c="dimmed">
                      <ResourceLink operation={operation} />
                      <Text size="xs" component="span">
                        <OperationTime operation={operation} /> · {operation.actorName ?? 'the cloud'} ·{' '}
                        <Ago iso={operation.createdAt} />
                      </Text>
                    </Group>
                  </Stack>
                  <OperationState operation={operation} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  )
}
