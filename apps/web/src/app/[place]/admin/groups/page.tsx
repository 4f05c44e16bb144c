import type { Metadata } from 'next'
import { GroupsPage } from '../../../../directory/groups/GroupsPage.tsx'

export const metadata: Metadata = { title: 'Groups' }
export default function Page() {
  return <GroupsPage />
}
