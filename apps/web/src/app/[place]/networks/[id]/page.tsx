import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { NetworkPage } from '../../../../networking/networks/NetworkPage.tsx'

export const metadata: Metadata = { title: 'Network' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.networking.networks.get.queryOptions({ id }), trpc.hosts.outside.queryOptions()],
  ({ id }) => <NetworkPage id={id} />,
)
