import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { deletedVolumes, volumeList } from '../../../volumes/list.ts'
import { VolumesPage } from '../../../volumes/VolumesPage.tsx'

export const metadata: Metadata = { title: 'Volumes' }
export default listRoute(volumeList(false), <VolumesPage />, (trpc) => [deletedVolumes(false)(trpc)])
