import type { Metadata } from 'next'
import { listRoute } from '../../../../kit/first-read.tsx'
import { BackupsPage } from '../../../../volumes/backups/BackupsPage.tsx'
import { backupList } from '../../../../volumes/backups/list.ts'

export const metadata: Metadata = { title: 'All volume backups' }
export default listRoute(backupList(true), <BackupsPage allProjects />)
