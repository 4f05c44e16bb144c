import type { Metadata } from 'next'
import { GroupPage } from '../../../../../directory/groups/GroupPage.tsx'
import { readFirst } from '../../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Group' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.directory.groups.get.queryOptions({ id })],
  ({ id }) => <GroupPage id={id} />,
)
