import type { Metadata } from 'next'
import { ApiAccessPage } from '../../../profile/ApiAccessPage.tsx'

export const metadata: Metadata = { title: 'API access' }
export default function Page() {
  return <ApiAccessPage />
}
