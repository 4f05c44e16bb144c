import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { snapshotList } from '../../../volumes/snapshots/list.ts'
import { SnapshotsPage } from '../../../volumes/snapshots/SnapshotsPage.tsx'

export const metadata: Metadata = { title: 'Volume snapshots' }
export default listRoute(snapshotList(false), <SnapshotsPage />)
