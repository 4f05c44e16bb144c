import type { Metadata } from 'next'
import { ImagesPage } from '../../../images/ImagesPage.tsx'
import { imageList, offeredRead } from '../../../images/list.ts'
import { listRoute } from '../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Images' }
export default listRoute(imageList(false), <ImagesPage />, (trpc) => [offeredRead(trpc)])
