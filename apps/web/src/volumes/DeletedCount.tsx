'use client'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { gib } from '../kit/format.ts'
import { useTRPC } from '../kit/trpc.ts'

/** Says beside a quota how much of it deleted volumes still take; nothing when there are none. */
export function DeletedCount({ projectId }: { projectId?: string }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.volumes.trash.summary.queryOptions(projectId ? { projectId } : undefined))
  if (!data || data.volumes === 0) return null
  return (
    <Text size="sm" c="dimmed">
      {gib(data.volumeGib)} of it belong to deleted volumes, which can be taken back. “Delete now” on the page
      of the volumes frees them.
    </Text>
  )
}
