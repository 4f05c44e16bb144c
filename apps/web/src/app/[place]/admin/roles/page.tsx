import type { Metadata } from 'next'
import { roleList } from '../../../../directory/roles/list.ts'
import { RolesPage } from '../../../../directory/roles/RolesPage.tsx'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Roles' }
export default listRoute(roleList, <RolesPage />)
