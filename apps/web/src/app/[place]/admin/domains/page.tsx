import type { Metadata } from 'next'
import { DomainsPage } from '../../../../directory/domains/DomainsPage.tsx'

export const metadata: Metadata = { title: 'Domains' }
export default function Page() {
  return <DomainsPage />
}
