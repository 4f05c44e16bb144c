import type { Metadata } from 'next'
import { UnknownPage } from '../../../../hosts/UnknownPage.tsx'

export const metadata: Metadata = { title: 'Unknown here' }
export default function Page() {
  return <UnknownPage />
}
