import type { Metadata } from 'next'
import { NetworksPage } from '../../../networking/networks/NetworksPage.tsx'

export const metadata: Metadata = { title: 'Networks' }
export default function Page() {
  return <NetworksPage />
}
