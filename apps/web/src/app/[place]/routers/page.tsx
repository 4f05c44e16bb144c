import type { Metadata } from 'next'
import { RoutersPage } from '../../../networking/routers/RoutersPage.tsx'

export const metadata: Metadata = { title: 'Routers' }
export default function Page() {
  return <RoutersPage />
}
