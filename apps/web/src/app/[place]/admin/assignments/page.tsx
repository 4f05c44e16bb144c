import type { Metadata } from 'next'
import { AssignmentsPage } from '../../../../directory/roles/AssignmentsPage.tsx'
import { assignmentList } from '../../../../directory/roles/list.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Role assignments' }
export default listRoute(assignmentList, <AssignmentsPage />)
