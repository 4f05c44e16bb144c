import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { BackupPage } from '../../../../volumes/backups/BackupPage.tsx'

export const metadata: Metadata = { title: 'Volume backup' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.volumes.backups.get.queryOptions({ id })],
  ({ id }) => <BackupPage id={id} />,
)
