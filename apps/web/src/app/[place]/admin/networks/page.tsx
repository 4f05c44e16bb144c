import type { Metadata } from 'next'
import { NetworksPage } from '../../../../networking/networks/NetworksPage.tsx'

export const metadata: Metadata = { title: 'All networks' }
export default function Page() {
  return <NetworksPage allProjects />
}
