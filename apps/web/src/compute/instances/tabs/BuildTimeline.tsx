'use client'
import { Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { Loaded } from '../../../kit/Loaded.tsx'
import { useLook } from '../../../kit/session.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { Timeline } from '../../../operations/Timeline.tsx'
import { Section } from '../../../ui/Section.tsx'
import { noBuildText } from '../build-words.ts'

const Explanation = dynamic(() => import('../../../operations/Explanation.tsx').then((m) => m.Explanation))

/** Older than the history, or never built here. */
function NoRecord({ id, allProjects }: { id: string; allProjects: boolean }) {
  const trpc = useTRPC()
  const { data, isPending } = useQuery(
    trpc.operations.list.queryOptions({
      allProjects,
      resourceKind: 'instance',
      resourceId: id,
      action: 'instance.adopt',
      limit: 1,
    }),
  )
  if (isPending) return null
  return (
    <Text size="sm" c="dimmed">
      {noBuildText(data?.items[0] ?? null)}
    </Text>
  )
}

/** How it was (or is being) built, step by step, and how its host was chosen when that failed. */
export function BuildTimeline({ id, projectId }: { id: string; projectId: string }) {
  const { allProjects } = useLook(projectId)
  const trpc = useTRPC()
  const query = useQuery(
    trpc.operations.list.queryOptions({
      allProjects,
      resourceKind: 'instance',
      resourceId: id,
      action: 'instance.create',
      limit: 1,
    }),
  )
  return (
    <Section title="Build">
      <Loaded query={query} waiting={<Skeleton height={184} aria-label="Loading" />}>
        {({ items: [operation] }) =>
          operation ? (
            <Stack gap="sm">
              <Timeline operation={operation} />
              {operation.state === 'failed' && operation.explanation && (
                <Explanation placement={operation.explanation} />
              )}
            </Stack>
          ) : (
            <NoRecord id={id} allProjects={allProjects} />
          )
        }
      </Loaded>
    </Section>
  )
}
