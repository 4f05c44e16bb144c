import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { VolumePage } from '../../../../volumes/VolumePage.tsx'

export const metadata: Metadata = { title: 'Volume' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.volumes.get.queryOptions({ id })],
  ({ id }) => <VolumePage id={id} />,
)
