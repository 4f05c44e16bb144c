'use client'
import { Button, Text } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Section } from '../ui/Section.tsx'
import { DateTime } from './DateTime.tsx'
import { LoadError, Loaded } from './Loaded.tsx'

type Query<T> = {
  data: T | undefined
  error: unknown
  isFetching: boolean
  isRefetchError: boolean
  dataUpdatedAt: number
  refetch: () => unknown
}

/**
 * A section with what machines have said at one moment, and a button that asks them again. `first`: the label of the button
 * before anybody has asked; without it, the section asks when it opens. `again`: its label afterwards. A machine that is silent is told as an error.
 */
export function Photograph<T>({
  title,
  description,
  first,
  again = 'Look again',
  query,
  children,
}: {
  title: string
  description: string
  first?: string
  again?: string
  query: Query<T>
  children: (data: T) => ReactNode
}) {
  const isAsked = first === undefined || query.data !== undefined || query.error !== null || query.isFetching
  const isKnown = query.data !== undefined || query.error !== null
  return (
    <Section
      title={title}
      description={description}
      action={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={14} />}
          loading={query.isFetching}
          onClick={() => void query.refetch()}
        >
          {isKnown ? again : (first ?? again)}
        </Button>
      }
    >
      {isAsked ? (
        <Loaded query={query}>{children}</Loaded>
      ) : (
        <Text size="sm" c="dimmed">
          A machine lists everything for that, which may take a while.
        </Text>
      )}
      {query.isRefetchError && (
        <LoadError error={query.error} retry={query.refetch} busy={query.isFetching} />
      )}
      {query.data !== undefined && (
        <Text size="xs" c="dimmed" mt="sm">
          As of <DateTime iso={new Date(query.dataUpdatedAt).toISOString()} />
        </Text>
      )}
    </Section>
  )
}
