'use client'
import { Skeleton, Stack } from '@mantine/core'
import type { QuotaResource } from '@stratolith/api/kernel/contract'
import { useQuery } from '@tanstack/react-query'
import { gib, mib } from '../kit/format.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { Bar } from '../ui/Bar.tsx'
import { Section } from '../ui/Section.tsx'

const words: Record<QuotaResource, { label: string; format?: (n: number) => string }> = {
  instances: { label: 'Instances' },
  vcpus: { label: 'vCPUs' },
  memoryMib: { label: 'Memory', format: mib },
  imageGib: { label: 'Image storage', format: gib },
  images: { label: 'Images' },
  networks: { label: 'Networks' },
  subnets: { label: 'Subnets' },
  ports: { label: 'Ports' },
  routers: { label: 'Routers' },
  floatingIps: { label: 'Floating IPs' },
  securityGroups: { label: 'Security groups' },
  securityGroupRules: { label: 'Security group rules' },
  serverGroups: { label: 'Server groups' },
  keyPairs: { label: 'Key pairs' },
}
const order = Object.keys(words) as QuotaResource[]

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
              .toSorted((a, b) => order.indexOf(a.resource) - order.indexOf(b.resource))
              .map(({ resource, used, limit }) => (
                <Bar key={resource} used={used} limit={limit} {...words[resource]} />
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
      {order.map((resource) => (
        <Skeleton key={resource} height={34} />
      ))}
    </Stack>
  )
}
