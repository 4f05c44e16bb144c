import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { GroupPage } from '../../../../volumes/groups/GroupPage.tsx'

export const metadata: Metadata = { title: 'Volume group' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.volumes.groups.get.queryOptions({ id })],
  ({ id }) => <GroupPage id={id} />,
)
