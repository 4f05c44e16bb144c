'use client'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { paths } from '../../kit/paths.ts'
import { NameLink } from '../../kit/TableParts.tsx'
import { useTRPC } from '../../kit/trpc.ts'

/**
 * The name of a project. The batch asks for each project once, whatever the number of rows. `unseen` is shown for a
 * project that the reader may not see; without `unseen`, such a project is shown as gone.
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
