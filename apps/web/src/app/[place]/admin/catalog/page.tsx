import type { Metadata } from 'next'
import { CatalogPage } from '../../../../administration/CatalogPage.tsx'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Services' }
export default readFirst(
  ({ catalog }) => [
    catalog.services.list.queryOptions({}),
    catalog.endpoints.list.queryOptions({}),
    catalog.regions.list.queryOptions(),
  ],
  () => <CatalogPage />,
)
