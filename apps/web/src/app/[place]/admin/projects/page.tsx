import type { Metadata } from 'next'
import { ProjectsPage } from '../../../../directory/projects/ProjectsPage.tsx'

export const metadata: Metadata = { title: 'Projects' }
export default function Page() {
  return <ProjectsPage />
}
