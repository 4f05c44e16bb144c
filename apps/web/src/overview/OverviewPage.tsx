'use client'
import { Button, Grid, Group, Stack } from '@mantine/core'
import { IconFolders } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { LaunchButton } from '../compute/launch/LaunchButton.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { placeName, reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { EmptyState } from '../ui/EmptyState.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { CloudDashboard } from './CloudDashboard.tsx'
import { Hints } from './Hints.tsx'
import { InstanceCounts } from './InstanceCounts.tsx'
import { MyMachines } from './MyMachines.tsx'
import { Onboarding } from './Onboarding.tsx'
import { Quotas } from './Quotas.tsx'
import { FailedOperations, RecentOperations } from './RecentOperations.tsx'
import { countRead } from './reads.ts'

/** The state of the project on one page; an empty project gets the steps to its first instance. */
export function OverviewPage() {
  const { project } = useSession()
  return project ? <ProjectOverview name={project.name} /> : <OutsideOfProjects />
}

/** The overview for pages of the cloud or of a domain, and for people without a role. */
function OutsideOfProjects() {
  const session = useSession()
  const { cloud, directory } = reachOf(session)
  if (cloud) return <CloudDashboard />
  return (
    <>
      <PageHeader title="Overview" description={placeName(session)} />
      {directory ? (
        <EmptyState
          icon={<IconFolders size={28} />}
          title={`You are in the domain ${session.domain?.name ?? ''}`}
          text="Instances and networks are in projects: choose one at the top to work in it. Here you find who works where."
          action={
            <Group gap="xs" justify="center">
              <Button component={Link} href={paths.projects} variant="default">
                Projects
              </Button>
              <Button component={Link} href={paths.users} variant="default">
                Users
              </Button>
            </Group>
          }
        />
      ) : (
        <EmptyState
          icon={<IconFolders size={28} />}
          title="You are in no project yet"
          text="An administrator gives you a role in one; then it is in the list at the top. Your profile is open to you already."
          action={
            <Button component={Link} href={paths.profile} variant="default">
              Profile
            </Button>
          }
        />
      )}
    </>
  )
}

function ProjectOverview({ name }: { name: string }) {
  const trpc = useTRPC()
  const summary = useQuery(countRead(trpc, false))
  const isEmpty = summary.data && Object.keys(summary.data.byStatus).length === 0
  return (
    <>
      <PageHeader
        title="Overview"
        description={`Project ${name}`}
        // In an empty project the next step of the onboarding is the primary button.
        actions={<LaunchButton variant={isEmpty ? 'default' : 'filled'} />}
      />
      <Stack gap="md">
        {isEmpty ? <Onboarding /> : <Hints />}
        <InstanceCounts />
        <FailedOperations />
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Stack gap="md">
              {!isEmpty && <MyMachines />}
              <RecentOperations />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Quotas />
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  )
}
