'use client'
import { Button, Group } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'

/**
 * Stands in for a page of a project in which the person has no role, and does not say whether there is such a project.
 */
export function NoAccess({ projectId }: { projectId: string }) {
  const { directory } = reachOf(useSession())
  return (
    <EmptyState
      icon={<IconLock size={28} />}
      title="You may not see this project"
      text={
        directory
          ? 'You have no role in it, or it does not exist. You can give yourself a role on its own page.'
          : 'You have no role in it, or it does not exist. Ask whoever sent you the link, or an administrator of the cloud, for a role in the project with this ID.'
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
        </>
      }
    />
  )
}
