'use client'
import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'

/**
 * Stands in for a page of a project in which the person has no role, and does not say whether there is such a project.
 */
export function NoAccessPage({ projectId }: { projectId: string }) {
  const { directory } = reachOf(useSession())
  return (
    <EmptyState
      icon={<IconLock size={28} />}
      title="You may not see this project"
      text={
        directory
          ? 'You have no role in it (any more), or it does not exist. You can give yourself a role on its own page.'
          : 'You have no role in it (any more), or it does not exist. Ask whoever sent you the link, or an administrator of the cloud, for a role in the project with this ID.'
      }
      action={
        <>
          <CopyText value={projectId} />
          <Group gap="xs" justify="center" mt="md">
            {directory && (
              <Button component={Link} href={paths.project(projectId)}>
                Look at the project
              </Button>
            )}
            <Button component={Link} href={paths.overview} variant="default">
              Go to the overview
            </Button>
          </Group>
          <OtherProjects but={projectId} />
        </>
      }
    />
  )
}

const most = 5

/** The ways on for somebody who has lost the project of this page. The switcher at the top has all projects. */
function OtherProjects({ but }: { but: string }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.identity.places.queryOptions())
  const others = (data?.projects ?? []).filter(({ id }) => id !== but)
  if (others.length === 0) return null
  return (
    <Stack component="nav" aria-label="Your other projects" gap={4} mt="lg" align="center">
      <Text size="sm" c="dimmed">
        Your other projects
      </Text>
      {others.slice(0, most).map(({ id, name }) => (
        <Anchor key={id} component={Link} href={`/${id}`} prefetch={false} size="sm">
          {name}
        </Anchor>
      ))}
      {others.length > most && (
        <Text size="xs" c="dimmed">
          The list at the top has all of them.
        </Text>
      )}
    </Stack>
  )
}
