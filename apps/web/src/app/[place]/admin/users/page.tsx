import type { Metadata } from 'next'
import { UsersPage } from '../../../../identity/users/UsersPage.tsx'

export const metadata: Metadata = { title: 'Users' }
export default function Page() {
  return <UsersPage />
}
