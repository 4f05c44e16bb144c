'use client'
import { Button, Grid, Stack } from '@mantine/core'
import { IconRocket } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { InstanceCounts } from './InstanceCounts.tsx'
import { Onboarding } from './Onboarding.tsx'
import { Quotas } from './Quotas.tsx'
import { RecentOperations } from './RecentOperations.tsx'

/** The project at a glance; an empty one is led to its first instance. */
export function OverviewPage() {
  const { project } = useSession()
  const trpc = useTRPC()
  const instances = useQuery(trpc.compute.instances.list.queryOptions({ limit: 1 }))
  return (
    <>
      <PageHeader
        title="Overview"
        description={
          project ? `Project ${project.name}` : 'You are in no project yet. Ask an administrator for one.'
        }
        actions={
          <Button component={Link} href={paths.launch} leftSection={<IconRocket size={18} />}>
            Launch instance
          </Button>
        }
      />
      <Stack gap="md">
        {instances.data?.total === 0 && <Onboarding />}
        <InstanceCounts />
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 5 }}>
            <Quotas />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 7 }}>
            <RecentOperations />
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  )
}
