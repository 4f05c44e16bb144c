import type { Metadata } from 'next'
import { ImagePage } from '../../../../images/ImagePage.tsx'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Image' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.images.get.queryOptions({ id })],
  ({ id }) => <ImagePage id={id} />,
)
