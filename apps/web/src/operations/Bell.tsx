'use client'
import { ActionIcon, Indicator, Popover, Text } from '@mantine/core'
import { IconBell } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useState } from 'react'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { isNews, isUnread, markSeen, seenAt } from './seen.ts'

const News = lazy(() => import('./News.tsx').then((module) => ({ default: module.News })))
const looked = 20

/** What the person has begun and what has ended since: how many of these are new, and behind it the list of them. */
export function Bell() {
  const trpc = useTRPC()
  const session = useSession()
  const { userId } = session
  const [opened, setOpened] = useState(false)
  const [seen, setSeen] = useState<string | null>(null)
  useEffect(() => {
    // What ended before somebody comes for the first time is no news.
    if (seenAt(localStorage, userId) === null) markSeen(localStorage, userId, new Date().toISOString())
    setSeen(seenAt(localStorage, userId))
  }, [userId])
  const { data } = useQuery({
    ...trpc.operations.list.queryOptions({
      actorId: userId,
      limit: looked,
      allProjects: session.project === null,
    }),
    enabled: session.project !== null || reachOf(session).cloud,
  })
  const items = (data?.items ?? []).filter((one) => isNews(one) || one.finishedAt === null)
  const unread = items.filter((one) => isUnread(one, seen))
  const toggle = (open: boolean) => {
    setOpened(open)
    const newest = items
      .flatMap(({ finishedAt }) => finishedAt ?? [])
      .toSorted()
      .at(-1)
    if (!open && newest && unread.length > 0) {
      markSeen(localStorage, userId, newest)
      setSeen(newest)
    }
  }
  const label = unread.length === 0 ? 'Notifications' : `Notifications: ${unread.length} unread`
  const failed = unread.some(({ state }) => state === 'failed')
  return (
    <Popover
      opened={opened}
      onChange={toggle}
      position="bottom-end"
      width={340}
      shadow="md"
      trapFocus
      returnFocus
      withinPortal
    >
      <Indicator
        disabled={unread.length === 0}
        color={failed ? 'red' : 'blue'}
        label={unread.length}
        size={16}
        offset={4}
      >
        <Popover.Target>
          <ActionIcon variant="default" size={36} aria-label={label} onClick={() => toggle(!opened)}>
            <IconBell size={18} />
          </ActionIcon>
        </Popover.Target>
      </Indicator>
      <Popover.Dropdown p="sm" aria-label="Notifications">
        <Suspense fallback={<Text size="sm">Loading…</Text>}>
          <News items={items} seen={seen} onLeave={() => toggle(false)} />
        </Suspense>
      </Popover.Dropdown>
    </Popover>
  )
}
