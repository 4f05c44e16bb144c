import type { Metadata } from 'next'
import { PortsPage } from '../../../../networking/ports/PortsPage.tsx'

export const metadata: Metadata = { title: 'All ports' }
export default function Page() {
  return <PortsPage allProjects />
}
