import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { PortPage } from '../../../../networking/ports/PortPage.tsx'

export const metadata: Metadata = { title: 'Port' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.networking.ports.get.queryOptions({ id })],
  ({ id }) => <PortPage id={id} />,
)
