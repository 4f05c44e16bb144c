import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { SecurityGroupPage } from '../../../../networking/security-groups/SecurityGroupPage.tsx'

export const metadata: Metadata = { title: 'Security group' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.networking.securityGroups.get.queryOptions({ id })],
  ({ id }) => <SecurityGroupPage id={id} />,
)
