import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { GroupTypesPage } from '../../../../volumes/groups/types/GroupTypesPage.tsx'

export const metadata: Metadata = { title: 'Volume group types' }
export default readFirst(
  (trpc) => [trpc.volumes.groups.types.list.queryOptions()],
  () => <GroupTypesPage />,
)
