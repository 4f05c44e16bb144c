import type { Metadata } from 'next'
import { KeyPairsPage } from '../../../compute/key-pairs/KeyPairsPage.tsx'
import { keyPairList } from '../../../compute/key-pairs/list.ts'
import { listRoute } from '../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Key pairs' }
export default listRoute(keyPairList, <KeyPairsPage />)
