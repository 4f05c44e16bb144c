'use client'
import { Button, Group } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { Link, usePathname } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { EmptyState } from '../ui/EmptyState.tsx'
import { closedWords, ofOneProject } from './closed-words.ts'
import { type ClosedTo, cloudListOf } from './navigation.tsx'

/** Stands in for a page that this session may not read: each part of the page would fail by itself. */
export function ClosedPage({ why }: { why: ClosedTo }) {
  const session = useSession()
  const pathname = usePathname()
  const isOfOne = why === 'project' && reachOf(session).cloud
  const list = isOfOne ? cloudListOf(session, pathname) : null
  return (
    <EmptyState
      icon={<IconLock size={28} />}
      {...(isOfOne ? ofOneProject : closedWords[why])}
      action={
        <Group gap="xs" justify="center">
          {list && (
            <Button component={Link} href={list.href}>
              {`All ${list.label.charAt(0).toLowerCase()}${list.label.slice(1)}`}
            </Button>
          )}
          <Button component={Link} href={paths.overview} variant="default">
            Go to the overview
          </Button>
        </Group>
      }
    />
  )
}
