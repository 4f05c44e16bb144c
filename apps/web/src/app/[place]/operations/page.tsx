import type { Metadata } from 'next'
import { listRoute } from '../../../kit/first-read.tsx'
import { operationList } from '../../../operations/list.ts'
import { OperationsPage } from '../../../operations/OperationsPage.tsx'

export const metadata: Metadata = { title: 'Operations' }
export default listRoute(operationList, <OperationsPage />)
