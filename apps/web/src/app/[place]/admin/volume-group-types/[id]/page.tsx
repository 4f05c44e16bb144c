import type { Metadata } from 'next'
import { readFirst } from '../../../../../kit/first-read.tsx'
import { GroupTypePage } from '../../../../../volumes/groups/types/GroupTypePage.tsx'

export const metadata: Metadata = { title: 'Volume group type' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.volumes.groups.types.get.queryOptions({ id })],
  ({ id }) => <GroupTypePage id={id} />,
)
