import type { Metadata } from 'next'
import { domainChoices } from '../../../../directory/domain-read.ts'
import { GroupsPage } from '../../../../directory/groups/GroupsPage.tsx'
import { groupList } from '../../../../directory/groups/list.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Groups' }
export default listRoute(groupList, <GroupsPage />, (trpc) => [domainChoices(trpc)])
