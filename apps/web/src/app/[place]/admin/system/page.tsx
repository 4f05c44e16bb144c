import type { Metadata } from 'next'
import { SystemPage } from '../../../../administration/SystemPage.tsx'

export const metadata: Metadata = { title: 'System' }
export default function Page() {
  return <SystemPage />
}
