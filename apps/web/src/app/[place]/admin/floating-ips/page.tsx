import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { FloatingIpsPage } from '../../../../networking/floating-ips/FloatingIpsPage.tsx'
import { floatingIpList } from '../../../../networking/floating-ips/list.ts'

export const metadata: Metadata = { title: 'All floating IPs' }
export default listRoute(floatingIpList(true), <FloatingIpsPage allProjects />)
