import type { Metadata } from 'next'
import { CatalogPage } from '../../../../administration/CatalogPage.tsx'

export const metadata: Metadata = { title: 'Services' }
export default function Page() {
  return <CatalogPage />
}
