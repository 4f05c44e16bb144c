import type { Metadata } from 'next'
import { ProjectPage } from '../../../../../directory/projects/ProjectPage.tsx'
import { readFirst } from '../../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Project' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.directory.projects.get.queryOptions({ id })],
  ({ id }) => <ProjectPage id={id} />,
)
