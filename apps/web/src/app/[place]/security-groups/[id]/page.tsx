import type { Metadata } from 'next'
import { SecurityGroupPage } from '../../../../networking/security-groups/SecurityGroupPage.tsx'

export const metadata: Metadata = { title: 'Security group' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <SecurityGroupPage id={(await params).id} />
}
