import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { typeList } from '../../../../volumes/types/list.ts'
import { TypesPage } from '../../../../volumes/types/TypesPage.tsx'

export const metadata: Metadata = { title: 'Volume types' }
export default listRoute(typeList, <TypesPage />)
