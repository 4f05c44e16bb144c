import type { Metadata } from 'next'
import { QuotaDefaultsPage } from '../../../../quota/QuotaDefaultsPage.tsx'

export const metadata: Metadata = { title: 'Quota defaults' }
export default function Page() {
  return <QuotaDefaultsPage />
}
