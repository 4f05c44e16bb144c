'use client'
import { Button, Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Loaded } from '../kit/Loaded.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { quotaOrder, quotaWords } from '../quota/words.ts'
import { Bar } from '../ui/Bar.tsx'
import { Section } from '../ui/Section.tsx'
import { DeletedCount } from '../volumes/DeletedCount.tsx'
import { isMain } from './hints.ts'

/** Shows the most important limits, and all limits on demand. */
export function Quotas() {
  const trpc = useTRPC()
  const [all, setAll] = useState(false)
  const query = useQuery(trpc.quota.get.queryOptions())
  return (
    <Section title="Quota">
      <Loaded query={query} waiting={<Waiting />}>
        {(views) => {
          const quotas = views.filter(({ resource }) => !quotaWords[resource].each)
          return (
            <Stack gap="sm">
              {quotas
                .filter((quota) => all || isMain(quota))
                .toSorted((a, b) => quotaOrder.indexOf(a.resource) - quotaOrder.indexOf(b.resource))
                .map(({ resource, used, limit }) => (
                  <Bar key={resource} used={used} limit={limit} {...quotaWords[resource]} />
                ))}
              {all && <DeletedCount />}
              {quotas.some((quota) => !isMain(quota)) && (
                <Button
                  variant="subtle"
                  size="compact-sm"
                  aria-expanded={all}
                  style={{ alignSelf: 'start' }}
                  onClick={() => setAll(!all)}
                >
                  {all ? 'Show fewer' : `Show all ${quotas.length}`}
                </Button>
              )}
            </Stack>
          )
        }}
      </Loaded>
    </Section>
  )
}

function Waiting() {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {['instances', 'vcpus', 'memory', 'addresses'].map((name) => (
        <Skeleton key={name} height={34} />
      ))}
    </Stack>
  )
}
