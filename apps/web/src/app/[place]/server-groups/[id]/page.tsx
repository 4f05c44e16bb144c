import type { Metadata } from 'next'
import { ServerGroupPage } from '../../../../compute/server-groups/ServerGroupPage.tsx'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Server group' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.compute.serverGroups.get.queryOptions({ id })],
  ({ id }) => <ServerGroupPage id={id} />,
)
