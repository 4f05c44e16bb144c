import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { routerList } from '../../../networking/routers/list.ts'
import { RoutersPage } from '../../../networking/routers/RoutersPage.tsx'

export const metadata: Metadata = { title: 'Routers' }
export default listRoute(routerList(false), <RoutersPage />)
