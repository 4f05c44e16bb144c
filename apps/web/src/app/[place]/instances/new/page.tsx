import type { Metadata } from 'next'
import { LaunchPage } from '../../../../compute/launch/LaunchPage.tsx'

export const metadata: Metadata = { title: 'Launch an instance' }
export default function Page() {
  return <LaunchPage />
}
