import type { Metadata } from 'next'
import { ServerGroupsPage } from '../../../compute/server-groups/ServerGroupsPage.tsx'

export const metadata: Metadata = { title: 'Server groups' }
export default function Page() {
  return <ServerGroupsPage />
}
