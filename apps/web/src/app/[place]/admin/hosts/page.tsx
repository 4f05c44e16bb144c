import type { Metadata } from 'next'
import { HostsPage } from '../../../../hosts/HostsPage.tsx'
import { hostList } from '../../../../hosts/list.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Hosts' }
export default listRoute(hostList, <HostsPage />)
