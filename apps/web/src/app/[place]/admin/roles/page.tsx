import type { Metadata } from 'next'
import { RolesPage } from '../../../../directory/roles/RolesPage.tsx'

export const metadata: Metadata = { title: 'Roles' }
export default function Page() {
  return <RolesPage />
}
