'use client'
import { Anchor, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useNow } from '../kit/use-now.ts'
import { Section } from '../ui/Section.tsx'
import { OperationList } from './OperationList.tsx'
import { failedRead, recentRead } from './reads.ts'

/** Shows the operations that failed in the last 24 hours; nothing when none failed. */
export function FailedOperations({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const now = useNow()
  const [openedAt] = useState(() => now ?? Date.now())
  const query = useQuery(failedRead(trpc, allProjects, openedAt))
  const items = query.data?.items ?? []
  if (items.length === 0) return null
  const listPath = allProjects ? paths.adminOperations : paths.operations
  return (
    <Section
      title="Failed in the last 24 hours"
      action={
        <Anchor component={Link} href={`${listPath}?state=failed`} size="sm">
          All failed operations
        </Anchor>
      }
    >
      <OperationList items={items} listPath={listPath} />
    </Section>
  )
}

/** Shows the latest operations of the project, with their progress. */
export function RecentOperations() {
  const trpc = useTRPC()
  const query = useQuery(recentRead(trpc))
  return (
    <Section
      title="Recent operations"
      action={
        <Anchor component={Link} href={paths.operations} size="sm">
          All operations
        </Anchor>
      }
    >
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Text size="sm" c="dimmed">
              Nothing has happened yet. What you do appears here, step by step.
            </Text>
          ) : (
            <OperationList items={items} listPath={paths.operations} />
          )
        }
      </Loaded>
    </Section>
  )
}
