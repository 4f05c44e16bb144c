'use client'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { gib } from '../kit/format.ts'
import { useTRPC } from '../kit/trpc.ts'

/** Says beside quotas how much of them deleted volumes, snapshots and backups still take; nothing when there are none. */
export function DeletedCount({ projectId }: { projectId?: string }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.volumes.trash.summary.queryOptions(projectId ? { projectId } : undefined))
  if (!data || data.volumes + data.snapshots + data.backups === 0) return null
  const parts = [
    ...(data.volumes + data.snapshots > 0 ? [`${gib(data.volumeGib)} of the volume storage`] : []),
    ...(data.backups > 0 ? [`${gib(data.volumeBackupGib)} of the backup storage`] : []),
  ]
  return (
    <Text size="sm" c="dimmed">
      Deleted volumes, snapshots and backups that can be taken back have {parts.join(' and ')}. “Delete now”
      on their pages frees that.
    </Text>
  )
}
