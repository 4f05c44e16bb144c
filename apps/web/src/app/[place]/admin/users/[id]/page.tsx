import type { Metadata } from 'next'
import { UserPage } from '../../../../../directory/users/UserPage.tsx'
import { readFirst } from '../../../../../kit/first-read.tsx'

export const metadata: Metadata = { title: 'User' }
export default readFirst<{ id: string }>(
  (trpc, { id }) => [trpc.directory.users.get.queryOptions({ id })],
  ({ id }) => <UserPage id={id} />,
)
