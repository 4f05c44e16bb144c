import type { Metadata } from 'next'
import { AllOperationsPage } from '../../../../administration/AllOperationsPage.tsx'
import { allOperationList } from '../../../../administration/history.ts'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'All operations' }
export default listRoute(allOperationList, <AllOperationsPage />)
