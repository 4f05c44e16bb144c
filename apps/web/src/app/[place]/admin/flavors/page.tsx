import type { Metadata } from 'next'
import { FlavorsPage } from '../../../../compute/flavors/FlavorsPage.tsx'

export const metadata: Metadata = { title: 'Flavors' }
export default function Page() {
  return <FlavorsPage />
}
