import type { Metadata } from 'next'
import { RoutersPage } from '../../../../networking/routers/RoutersPage.tsx'

export const metadata: Metadata = { title: 'All routers' }
export default function Page() {
  return <RoutersPage allProjects />
}
