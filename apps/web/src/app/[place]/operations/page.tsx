import type { Metadata } from 'next'
import { OperationsPage } from '../../../operations/OperationsPage.tsx'

export const metadata: Metadata = { title: 'Operations' }
export default function Page() {
  return <OperationsPage />
}
