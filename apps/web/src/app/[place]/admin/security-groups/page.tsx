import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { securityGroupList } from '../../../../networking/security-groups/list.ts'
import { SecurityGroupsPage } from '../../../../networking/security-groups/SecurityGroupsPage.tsx'

export const metadata: Metadata = { title: 'All security groups' }
export default listRoute(securityGroupList(true), <SecurityGroupsPage allProjects />)
