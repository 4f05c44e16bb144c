import type { Metadata } from 'next'
import { SecurityGroupsPage } from '../../../../networking/security-groups/SecurityGroupsPage.tsx'

export const metadata: Metadata = { title: 'All security groups' }
export default function Page() {
  return <SecurityGroupsPage allProjects />
}
