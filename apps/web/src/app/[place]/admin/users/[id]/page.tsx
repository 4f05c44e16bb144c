import type { Metadata } from 'next'
import { UserPage } from '../../../../../directory/users/UserPage.tsx'

export const metadata: Metadata = { title: 'User' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <UserPage id={(await params).id} />
}
