import type { Metadata } from 'next'
import { VolumePage } from '../../../../volumes/VolumePage.tsx'

export const metadata: Metadata = { title: 'Volume' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <VolumePage id={(await params).id} />
}
