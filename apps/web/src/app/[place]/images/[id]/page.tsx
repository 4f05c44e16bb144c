import type { Metadata } from 'next'
import { ImagePage } from '../../../../images/ImagePage.tsx'

export const metadata: Metadata = { title: 'Image' }
export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <ImagePage id={(await params).id} />
}
