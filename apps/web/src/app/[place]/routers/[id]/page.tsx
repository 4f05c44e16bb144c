import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { RouterPage } from '../../../../networking/routers/RouterPage.tsx'

export const metadata: Metadata = { title: 'Router' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.networking.routers.get.queryOptions({ id })],
  ({ id }) => <RouterPage id={id} />,
)
