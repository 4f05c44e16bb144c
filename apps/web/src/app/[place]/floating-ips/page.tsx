import type { Metadata } from 'next'
import { FloatingIpsPage } from '../../../networking/floating-ips/FloatingIpsPage.tsx'

export const metadata: Metadata = { title: 'Floating IPs' }
export default function Page() {
  return <FloatingIpsPage />
}
