import type { Metadata } from 'next'
import { AllOperationsPage } from '../../../../administration/AllOperationsPage.tsx'

export const metadata: Metadata = { title: 'All operations' }
export default function Page() {
  return <AllOperationsPage />
}
