'use client'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { paths } from '../../kit/paths.ts'
import { NameLink } from '../../kit/TableParts.tsx'
import { useTRPC } from '../../kit/trpc.ts'

/**
 * One question for all rows: the batch asks for each project once. `unseen`: what is said of one that
 * the reader may not see; without it such a project is gone.
 */
export function ProjectName({ id, unseen = 'gone' }: { id: string | null; unseen?: string }) {
  const trpc = useTRPC()
  const query = useQuery({
    ...trpc.directory.projects.get.queryOptions({ id: id ?? '' }),
    enabled: id !== null,
    retry: false,
  })
  if (id === null) return <Text size="sm">–</Text>
  return query.data ? (
    <NameLink href={paths.project(id)}>{query.data.name}</NameLink>
  ) : (
    <Text size="sm" c="dimmed">
      {query.isError ? unseen : '…'}
    </Text>
  )
}
