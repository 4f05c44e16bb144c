import type { Metadata } from 'next'
import { AssignmentsPage } from '../../../../directory/roles/AssignmentsPage.tsx'

export const metadata: Metadata = { title: 'Role assignments' }
export default function Page() {
  return <AssignmentsPage />
}
