import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { deletedVolumes, volumeList } from '../../../../volumes/list.ts'
import { VolumesPage } from '../../../../volumes/VolumesPage.tsx'

export const metadata: Metadata = { title: 'All volumes' }
export default listRoute(volumeList(true), <VolumesPage allProjects />, (trpc) => [
  deletedVolumes(true)(trpc),
])
