import type { Metadata } from 'next'
import { RouterPage } from '../../../../networking/routers/RouterPage.tsx'

export const metadata: Metadata = { title: 'Router' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <RouterPage id={(await params).id} />
}
