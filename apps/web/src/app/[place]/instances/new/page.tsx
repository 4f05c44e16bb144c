import type { Metadata } from 'next'
import { LaunchPage } from '../../../../compute/launch/LaunchPage.tsx'

export const metadata: Metadata = { title: 'Launch instance' }
export default function Page() {
  return <LaunchPage />
}
