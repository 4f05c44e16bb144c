import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { networkList } from '../../../../networking/networks/list.ts'
import { NetworksPage } from '../../../../networking/networks/NetworksPage.tsx'

export const metadata: Metadata = { title: 'All networks' }
export default listRoute(networkList(true), <NetworksPage allProjects />)
