import type { Metadata } from 'next'
import { PolicyPage } from '../../../../administration/PolicyPage.tsx'

export const metadata: Metadata = { title: 'Policy' }
export default function Page() {
  return <PolicyPage />
}
