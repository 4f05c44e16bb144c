import type { Metadata } from 'next'
import { readFirst } from '../../../../../kit/first-read.tsx'
import { pageOf } from '../../../../../kit/list-address.ts'
import { volumesOfPool } from '../../../../../volumes/pools/list.ts'
import { PoolPage } from '../../../../../volumes/pools/PoolPage.tsx'

export const metadata: Metadata = { title: 'Volume pool' }
export default readFirst<{ name: string }>(
  (trpc, { name }, get) => [
    trpc.volumes.pools.get.queryOptions({ name }),
    volumesOfPool(name)(pageOf(get), {}, trpc, get),
  ],
  ({ name }) => <PoolPage name={name} />,
)
