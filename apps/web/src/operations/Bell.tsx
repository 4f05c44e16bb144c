'use client'
import { ActionIcon, Indicator, Text } from '@mantine/core'
import { IconBell } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Drop } from '../kit/Drop.tsx'
import { lazyPart } from '../kit/lazy-part.tsx'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { isNews, isUnread, markSeen, seenAt } from './seen.ts'

const News = lazyPart(() => import('./News.tsx').then((module) => module.News))
const looked = 20

/** The bell: how many operations of the user have ended since the last look, and behind it the list of operations. */
export function Bell() {
  const trpc = useTRPC()
  const session = useSession()
  const { userId, at } = session
  const [opened, setOpened] = useState(false)
  const [seen, setSeen] = useState<string | null>(null)
  useEffect(() => {
    const who = { userId, at }
    // Operations that ended before the user's first visit are no news.
    if (seenAt(localStorage, who) === null) markSeen(localStorage, who, new Date().toISOString())
    setSeen(seenAt(localStorage, who))
  }, [userId, at])
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
      markSeen(localStorage, session, newest)
      setSeen(newest)
    }
  }
  const label = unread.length === 0 ? 'Notifications' : `Notifications: ${unread.length} unread`
  const failed = unread.some(({ state }) => state === 'failed')
  return (
    <Indicator
      disabled={unread.length === 0}
      color={failed ? 'bad' : 'busy'}
      label={unread.length}
      size={16}
      offset={4}
    >
      <Drop
        button={
          <ActionIcon variant="default" size={36} aria-label={label}>
            <IconBell size={18} />
          </ActionIcon>
        }
        opened={opened}
        onChange={toggle}
        ahead={News.ahead}
        label="Notifications"
        position="bottom-end"
        width={340}
      >
        <News
          items={items}
          seen={seen}
          onLeave={() => toggle(false)}
          waiting={<Text size="sm">Loading…</Text>}
        />
      </Drop>
    </Indicator>
  )
}
