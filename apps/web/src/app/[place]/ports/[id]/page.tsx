import type { Metadata } from 'next'
import { PortPage } from '../../../../networking/ports/PortPage.tsx'

export const metadata: Metadata = { title: 'Port' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <PortPage id={(await params).id} />
}
