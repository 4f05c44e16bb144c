import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { portList } from '../../../networking/ports/list.ts'
import { PortsPage } from '../../../networking/ports/PortsPage.tsx'

export const metadata: Metadata = { title: 'Ports' }
export default listRoute(portList(false), <PortsPage />)
