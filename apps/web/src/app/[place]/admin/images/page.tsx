import type { Metadata } from 'next'
import { ImagesPage } from '../../../../images/ImagesPage.tsx'
import { imageList } from '../../../../images/list.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'All images' }
export default listRoute(imageList(true), <ImagesPage allProjects />)
