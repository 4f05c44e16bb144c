import type { Metadata } from 'next'
import { GroupPage } from '../../../../../directory/groups/GroupPage.tsx'

export const metadata: Metadata = { title: 'Group' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <GroupPage id={(await params).id} />
}
