'use client'
import { Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { Loaded } from '../../../kit/Loaded.tsx'
import { useTRPC } from '../../../kit/trpc.ts'
import { Timeline } from '../../../operations/Timeline.tsx'
import { Section } from '../../../ui/Section.tsx'

const Explanation = dynamic(() => import('../../../operations/Explanation.tsx').then((m) => m.Explanation))

/** How it was (or is being) built, step by step, and how its host was chosen when that failed. */
export function BuildTimeline({ id }: { id: string }) {
  const trpc = useTRPC()
  const query = useQuery(
    trpc.operations.list.queryOptions({
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
                <Explanation verdicts={operation.explanation} />
              )}
            </Stack>
          ) : (
            <Text size="sm" c="dimmed">
              The record of the build is no longer kept.
            </Text>
          )
        }
      </Loaded>
    </Section>
  )
}
