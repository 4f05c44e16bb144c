import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { routerList } from '../../../../networking/routers/list.ts'
import { RoutersPage } from '../../../../networking/routers/RoutersPage.tsx'

export const metadata: Metadata = { title: 'All routers' }
export default listRoute(routerList(true), <RoutersPage allProjects />)
