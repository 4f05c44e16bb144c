import type { Metadata } from 'next'
import { KeyPairPage } from '../../../../compute/key-pairs/KeyPairPage.tsx'

export const metadata: Metadata = { title: 'Key pair' }
export default async function Page({ params }: { params: Promise<{ name: string }> }) {
  return <KeyPairPage name={decodeURIComponent((await params).name)} />
}
