import type { Metadata } from 'next'
import { readFirst } from '../../../../kit/first-read.tsx'
import { PoolsPage } from '../../../../volumes/pools/PoolsPage.tsx'

export const metadata: Metadata = { title: 'Volume pools' }
export default readFirst(
  (trpc) => [trpc.volumes.pools.list.queryOptions()],
  () => <PoolsPage />,
)
