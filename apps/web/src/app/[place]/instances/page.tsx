import type { Metadata } from 'next'
import { InstancesPage } from '../../../compute/instances/InstancesPage.tsx'

export const metadata: Metadata = { title: 'Instances' }
export default function Page() {
  return <InstancesPage />
}
