import type { Metadata } from 'next'
import { DomainPage } from '../../../../../directory/domains/DomainPage.tsx'
import { readFirst } from '../../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Domain' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.directory.domains.get.queryOptions({ id })],
  ({ id }) => <DomainPage id={id} />,
)
