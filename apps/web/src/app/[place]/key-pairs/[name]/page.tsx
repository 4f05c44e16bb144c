import type { Metadata } from 'next'
import { KeyPairPage } from '../../../../compute/key-pairs/KeyPairPage.tsx'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Key pair' }
export default readFirst<{ name: string }>(
  (trpc, { name }) => [trpc.compute.keyPairs.get.queryOptions({ name })],
  ({ name }) => <KeyPairPage name={name} />,
)
