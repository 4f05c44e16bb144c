import type { Metadata } from 'next'
import { domainChoices } from '../../../../directory/domain-read.ts'
import { projectList } from '../../../../directory/projects/list.ts'
import { ProjectsPage } from '../../../../directory/projects/ProjectsPage.tsx'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Projects' }
export default listRoute(projectList, <ProjectsPage />, (trpc) => [domainChoices(trpc)])
