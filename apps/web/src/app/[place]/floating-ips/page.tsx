import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { FloatingIpsPage } from '../../../networking/floating-ips/FloatingIpsPage.tsx'
import { floatingIpList } from '../../../networking/floating-ips/list.ts'

export const metadata: Metadata = { title: 'Floating IPs' }
export default listRoute(floatingIpList(false), <FloatingIpsPage />)
