'use client'
import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconMoodEmpty } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { EmptyState } from '../ui/EmptyState.tsx'
import { cloudError, isNothing } from './errors.ts'
import { Link, usePathname } from './navigation.tsx'
import { wayBack } from './paths.ts'

type Query<T> = { data: T | undefined; error: unknown; refetch: () => unknown; isFetching: boolean }

/**
 * Shows that the query is waiting, has found nothing or has failed, or shows the page. Data that is shown already stays
 * when a reload fails. `nothing`: what stands below the words when nothing is found, beside the way back.
 */
export function Loaded<T>({
  query,
  children,
  waiting,
  nothing,
}: {
  query: Query<T>
  children: (data: T) => ReactNode
  waiting?: ReactNode
  nothing?: ReactNode
}) {
  if (isNothing(query.error))
    return (
      <EmptyState
        icon={<IconMoodEmpty size={28} />}
        title={query.data === undefined ? 'Not found' : 'It is gone'}
        text={
          query.data === undefined
            ? 'There is no such thing in this project, or it has been deleted. Another project may have it.'
            : 'It has been deleted while you looked at it.'
        }
        action={
          <Stack align="center" gap="md">
            {nothing}
            <WayBack />
          </Stack>
        }
      />
    )
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <LoadError error={query.error} retry={query.refetch} busy={query.isFetching} />
  return (
    waiting ?? (
      <Stack gap="sm" aria-busy role="status" aria-label="Loading">
        <Skeleton height={28} width={220} />
        <Skeleton height={120} />
        <Skeleton height={240} />
      </Stack>
    )
  )
}

function WayBack() {
  const { href, label } = wayBack(usePathname())
  return (
    <Button component={Link} href={href} variant="default">
      {label}
    </Button>
  )
}

export function LoadError({ error, retry, busy }: { error: unknown; retry: () => unknown; busy?: boolean }) {
  const view = cloudError(error)
  return (
    <Alert color="bad" variant="light" icon={<IconAlertTriangle />} title={view.message} role="alert">
      <Group gap="sm">
        <Button size="xs" variant="default" loading={busy} onClick={() => retry()}>
          Try again
        </Button>
        {view.requestId && (
          <Text size="xs" c="dimmed">
            Request {view.requestId}
          </Text>
        )}
      </Group>
    </Alert>
  )
}
