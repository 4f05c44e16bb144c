'use client'
import { Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../../kit/Loaded.tsx'
import { lazyPart } from '../../../kit/lazy-part.tsx'
import { useLook } from '../../../kit/session.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { Timeline } from '../../../operations/Timeline.tsx'
import { Section } from '../../../ui/Section.tsx'

const Explanation = lazyPart(() => import('../../../operations/Explanation.tsx').then((m) => m.Explanation))

/** Shows step by step how the instance is being built, and after a failure how its host was chosen. */
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
      <Loaded query={query} waiting={<Skeleton height={184} role="status" aria-label="Loading" />}>
        {({ items: [operation] }) =>
          operation ? (
            <Stack gap="sm">
              <Timeline operation={operation} />
              {operation.state === 'failed' && operation.explanation && (
                <Explanation placement={operation.explanation} />
              )}
            </Stack>
          ) : null
        }
      </Loaded>
    </Section>
  )
}
