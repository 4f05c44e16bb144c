import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { GroupsPage } from '../../../../volumes/groups/GroupsPage.tsx'
import { groupList } from '../../../../volumes/groups/list.ts'

export const metadata: Metadata = { title: 'All volume groups' }
export default listRoute(groupList(true), <GroupsPage allProjects />)
