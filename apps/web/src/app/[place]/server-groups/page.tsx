import type { Metadata } from 'next'
import { serverGroupList } from '../../../compute/server-groups/list.ts'
import { ServerGroupsPage } from '../../../compute/server-groups/ServerGroupsPage.tsx'
import { listRoute } from '../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Server groups' }
export default listRoute(serverGroupList, <ServerGroupsPage />)
