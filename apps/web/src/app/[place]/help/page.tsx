import type { Metadata } from 'next'
import { GuidePage } from '../../../guide/GuidePage.tsx'

export const metadata: Metadata = { title: 'Guide' }
export default function Page() {
  return <GuidePage />
}
