import type { Metadata } from 'next'
import { AuditPage } from '../../../../administration/AuditPage.tsx'
import { auditPage } from '../../../../administration/history.ts'
import { readFirst } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Audit log' }
export default readFirst(
  (trpc, _, get) => [auditPage(trpc, get)],
  () => <AuditPage />,
)
