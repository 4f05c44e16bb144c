import type { Metadata } from 'next'
import { FlavorsPage } from '../../../../compute/flavors/FlavorsPage.tsx'
import { flavorList } from '../../../../compute/flavors/list.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Flavors' }
export default listRoute(flavorList, <FlavorsPage />)
