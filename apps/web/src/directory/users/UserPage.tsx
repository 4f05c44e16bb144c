'use client'
import type { UserView } from '@stratolith/api/directory/users/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyTab } from '../../kit/lazy-part.tsx'
import { reachOf } from '../../kit/place.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { userDescriptor } from './descriptor.tsx'
import { UserState } from './UserState.tsx'
import { useUserActions } from './use-user-actions.tsx'

const RolesOf = lazyTab(() => import('../roles/RolesOf.tsx').then((module) => module.RolesOf))
const GroupsOf = lazyTab(() => import('../groups/GroupsOf.tsx').then((module) => module.GroupsOf))
const Sessions = lazyTab(() =>
  import('../../identity/sessions/Sessions.tsx').then((module) => module.Sessions),
)
const OperationsTable = lazyTab(() =>
  import('../../operations/OperationsTable.tsx').then((module) => module.OperationsTable),
)

const UserEditForm = lazyPanel(() => import('./UserForm.tsx').then((module) => module.UserEditForm))
const ResetPasswordForm = lazyPanel(() =>
  import('./ResetPasswordForm.tsx').then((module) => module.ResetPasswordForm),
)

export function UserPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const user = useQuery(trpc.directory.users.get.queryOptions({ id }))
  return <Loaded query={user}>{(view) => <Detail user={view} />}</Loaded>
}

function Detail({ user }: { user: UserView }) {
  const { cloud } = reachOf(useSession())
  const edit = useUrlPanel('edit')
  const password = useUrlPanel('password')
  return (
    <>
      <DetailPage
        descriptor={userDescriptor}
        view={user}
        actions={useUserActions()}
        badge={<UserState user={user} />}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Section title="Facts">
                <Facts items={userDescriptor.facts?.(user) ?? []} />
              </Section>
            ),
          },
          { id: 'roles', label: 'Roles', content: <RolesOf holder={{ kind: 'user', ...user }} /> },
          { id: 'groups', label: 'Groups', content: <GroupsOf user={user} /> },
          { id: 'sessions', label: 'Sessions and tokens', content: <Sessions user={user} /> },
          ...(cloud
            ? [
                {
                  id: 'operations',
                  label: 'Operations',
                  content: <OperationsTable of={{ actorId: user.id }} none={noneBy} />,
                },
              ]
            : []),
        ]}
      />
      {edit.opened && <UserEditForm user={user} opened onClose={edit.close} />}
      {password.opened && <ResetPasswordForm user={user} opened onClose={password.close} />}
    </>
  )
}

const noneBy =
  'What this user starts in projects is listed here. Sign-ins and changes of users, groups and roles are in the audit log.'
