import type { Metadata } from 'next'
import { InstancePage } from '../../../../compute/instances/InstancePage.tsx'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Instance' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.compute.instances.get.queryOptions({ id })],
  ({ id }) => <InstancePage id={id} />,
)
