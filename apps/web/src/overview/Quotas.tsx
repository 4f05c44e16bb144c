'use client'
import { Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../kit/Loaded.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { quotaOrder, quotaWords } from '../quota/words.ts'
import { Bar } from '../ui/Bar.tsx'
import { Section } from '../ui/Section.tsx'

/** What the project may use and what it uses. */
export function Quotas() {
  const trpc = useTRPC()
  const query = useQuery(trpc.quota.get.queryOptions())
  return (
    <Section title="Quota">
      <Loaded query={query} waiting={<Waiting />}>
        {(quotas) => (
          <Stack gap="sm">
            {quotas
              .toSorted((a, b) => quotaOrder.indexOf(a.resource) - quotaOrder.indexOf(b.resource))
              .map(({ resource, used, limit }) => (
                <Bar key={resource} used={used} limit={limit} {...quotaWords[resource]} />
              ))}
          </Stack>
        )}
      </Loaded>
    </Section>
  )
}

function Waiting() {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {quotaOrder.map((resource) => (
        <Skeleton key={resource} height={34} />
      ))}
    </Stack>
  )
}
