import type { Metadata } from 'next'
import { ImagesPage } from '../../../images/ImagesPage.tsx'

export const metadata: Metadata = { title: 'Images' }
export default function Page() {
  return <ImagesPage />
}
