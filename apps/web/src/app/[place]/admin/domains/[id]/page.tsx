import type { Metadata } from 'next'
import { DomainPage } from '../../../../../directory/domains/DomainPage.tsx'

export const metadata: Metadata = { title: 'Domain' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <DomainPage id={(await params).id} />
}
