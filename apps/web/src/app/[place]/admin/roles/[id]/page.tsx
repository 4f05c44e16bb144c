import type { Metadata } from 'next'
import { RolePage } from '../../../../../directory/roles/RolePage.tsx'
import { readFirst } from '../../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Role' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.directory.roles.get.queryOptions({ id })],
  ({ id }) => <RolePage id={id} />,
)
