import type { Metadata } from 'next'
import { LaunchPage } from '../../../../compute/launch/LaunchPage.tsx'
import { optionReads } from '../../../../compute/launch/reads.ts'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Launch instance' }
export default readFirst(
  (trpc) => Object.values(optionReads(trpc)),
  () => <LaunchPage />,
)
