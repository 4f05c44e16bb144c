import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { networkList } from '../../../networking/networks/list.ts'
import { NetworksPage } from '../../../networking/networks/NetworksPage.tsx'
import { starterRead } from '../../../networking/reads.ts'

export const metadata: Metadata = { title: 'Networks' }
export default listRoute(networkList(false), <NetworksPage />, (trpc) => [starterRead(trpc)])
