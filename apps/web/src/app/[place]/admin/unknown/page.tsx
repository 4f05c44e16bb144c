import type { Metadata } from 'next'
import { strayList, strayReads } from '../../../../hosts/list.ts'
import { UnknownPage } from '../../../../hosts/UnknownPage.tsx'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Unknown here' }
export default listRoute(strayList, <UnknownPage />, strayReads)
