'use client'
import { Text } from '@mantine/core'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { useQuery } from '@tanstack/react-query'
import { useTRPC } from '../../kit/trpc.ts'
import { waitText } from '../words.ts'
import { snapshotLoss } from './words.ts'

/** What becomes of snapshots that are to be deleted, and how long they can be taken back, which is a setting of the cloud. */
export function SnapshotLoss({ snapshots }: { snapshots: readonly SnapshotView[] }) {
  const trpc = useTRPC()
  const projectId = snapshots[0]?.projectId
  const { data } = useQuery(trpc.volumes.trash.summary.queryOptions({ projectId }))
  // Snapshots that have failed go at once.
  const waits =
    data !== undefined && data.minutes > 0 && snapshots.every(({ state }) => state === 'available')
  return <Text size="sm">{snapshotLoss(snapshots, waits ? waitText(data.minutes) : null)}</Text>
}
