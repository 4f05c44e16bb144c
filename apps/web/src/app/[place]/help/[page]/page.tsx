import type { Metadata } from 'next'
import { readPage } from '../../../../guide/files.ts'
import { GuidePage } from '../../../../guide/GuidePage.tsx'
import { titleOf } from '../../../../guide/headings.ts'

type Asked = { params: Promise<{ page: string }> }

export async function generateMetadata({ params }: Asked): Promise<Metadata> {
  return { title: titleOf((await readPage((await params).page)) ?? '') || 'Guide' }
}

export default async function Page({ params }: Asked) {
  return <GuidePage name={(await params).page} />
}
