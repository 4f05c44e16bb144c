import type { Metadata } from 'next'
import { VolumesPage } from '../../../volumes/VolumesPage.tsx'

export const metadata: Metadata = { title: 'Volumes' }
export default function Page() {
  return <VolumesPage />
}
