import type { Metadata } from 'next'
import { readFirst } from '../../../../../kit/first-read.tsx'
import { TypePage } from '../../../../../volumes/types/TypePage.tsx'

export const metadata: Metadata = { title: 'Volume type' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.volumes.types.get.queryOptions({ id })],
  ({ id }) => <TypePage id={id} />,
)
