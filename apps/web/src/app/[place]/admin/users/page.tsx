import type { Metadata } from 'next'
import { UsersPage } from '../../../../directory/users/UsersPage.tsx'

export const metadata: Metadata = { title: 'Users' }
export default function Page() {
  return <UsersPage />
}
