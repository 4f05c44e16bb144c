import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { GroupsPage } from '../../../volumes/groups/GroupsPage.tsx'
import { groupList } from '../../../volumes/groups/list.ts'

export const metadata: Metadata = { title: 'Volume groups' }
export default listRoute(groupList(false), <GroupsPage />)
