import type { Metadata } from 'next'
import { FlavorPage } from '../../../../../compute/flavors/FlavorPage.tsx'
import { readFirst } from '../../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Flavor' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.compute.flavors.get.queryOptions({ id })],
  ({ id }) => <FlavorPage id={id} />,
)
