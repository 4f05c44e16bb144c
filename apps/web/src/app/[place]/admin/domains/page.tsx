import type { Metadata } from 'next'
import { DomainsPage } from '../../../../directory/domains/DomainsPage.tsx'
import { domainList } from '../../../../directory/domains/list.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Domains' }
export default listRoute(domainList, <DomainsPage />)
