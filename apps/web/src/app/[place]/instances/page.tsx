import type { Metadata } from 'next'
import { InstancesPage } from '../../../compute/instances/InstancesPage.tsx'
import { instanceList } from '../../../compute/instances/list.ts'
import { listRoute } from '../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Instances' }
export default listRoute(instanceList(false), <InstancesPage />)
