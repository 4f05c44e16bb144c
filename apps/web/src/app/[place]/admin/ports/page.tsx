import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { portList } from '../../../../networking/ports/list.ts'
import { PortsPage } from '../../../../networking/ports/PortsPage.tsx'

export const metadata: Metadata = { title: 'All ports' }
export default listRoute(portList(true), <PortsPage allProjects />)
