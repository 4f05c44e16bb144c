import type { Metadata } from 'next'
import { ServerGroupPage } from '../../../../compute/server-groups/ServerGroupPage.tsx'

export const metadata: Metadata = { title: 'Server group' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <ServerGroupPage id={(await params).id} />
}
