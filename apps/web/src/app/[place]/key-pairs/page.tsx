import type { Metadata } from 'next'
import { KeyPairsPage } from '../../../compute/key-pairs/KeyPairsPage.tsx'

export const metadata: Metadata = { title: 'Key pairs' }
export default function Page() {
  return <KeyPairsPage />
}
