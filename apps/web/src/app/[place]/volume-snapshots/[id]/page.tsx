import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { SnapshotPage } from '../../../../volumes/snapshots/SnapshotPage.tsx'

export const metadata: Metadata = { title: 'Volume snapshot' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.volumes.snapshots.get.queryOptions({ id })],
  ({ id }) => <SnapshotPage id={id} />,
)
