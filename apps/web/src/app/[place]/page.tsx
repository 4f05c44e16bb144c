import type { Metadata } from 'next'
import { readFirst } from '../../kit/first-read.tsx'
import { OverviewPage } from '../../overview/OverviewPage.tsx'
import { firstReads } from '../../overview/reads.ts'

export const metadata: Metadata = { title: 'Overview' }
export default readFirst(
  (trpc, { place }) => firstReads(trpc, place),
  () => <OverviewPage />,
)
