import type { Metadata } from 'next'
import { domainChoices } from '../../../../directory/domain-read.ts'
import { userList } from '../../../../directory/users/list.ts'
import { UsersPage } from '../../../../directory/users/UsersPage.tsx'
import { listRoute } from '../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'Users' }
export default listRoute(userList, <UsersPage />, (trpc) => [domainChoices(trpc)])
