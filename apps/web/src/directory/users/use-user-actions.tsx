'use client'
import type { UserView } from '@stratolith/api/directory/users/contract'
import {
  IconDeviceMobileOff,
  IconKey,
  IconLogout,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconTrash,
} from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useManage } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

export function useUserActions(): ResourceAction<UserView>[] {
  const trpc = useTRPC()
  const router = useRouter()
  const manage = useManage()
  const notMe = useNotMe()
  const update = useMutation(trpc.directory.users.update.mutationOptions())
  const remove = useMutation(trpc.directory.users.delete.mutationOptions())
  const signInActions = useSignInActions()
  const goTo = (view: UserView, panel: string) => router.push(`${paths.user(view.id)}?${panel}=1`)
  return [
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: (view) => manage(view.domainId),
      open: (view) => goTo(view, 'edit'),
    },
    {
      id: 'password',
      label: 'Reset password',
      icon: <IconKey size={16} />,
      allowed: (view) =>
        all(
          manage(view.domainId),
          view.backend === 'sql' || 'This password is kept in another directory. Change it there.',
        ),
      open: (view) => goTo(view, 'password'),
    },
    ...signInActions,
    {
      id: 'disable',
      opposite: 'enable',
      label: 'Disable',
      icon: <IconPlayerStop size={16} />,
      danger: true,
      bulk: true,
      allowed: (view) => all(manage(view.domainId), notMe(view), view.enabled || 'The user is disabled.'),
      confirm: (views) => ({
        title: oneOr(views, (name) => `Disable ${name}?`, `Disable ${views.length} users?`),
        body: 'A disabled user is signed out everywhere at once, and cannot sign in until an administrator enables the user again. Instances go on running.',
        confirmLabel: 'Disable',
      }),
      run: ({ id }) => update.mutateAsync({ id, enabled: false }),
      started: (views) => oneOr(views, (name) => `Disabled ${name}`, `Disabled ${views.length} users`),
      asCli: ({ id }) => shellLine('openstack', 'user', 'set', '--disable', id),
    },
    {
      id: 'enable',
      opposite: 'disable',
      label: 'Enable',
      icon: <IconPlayerPlay size={16} />,
      bulk: true,
      allowed: (view) => all(manage(view.domainId), !view.enabled || 'The user is enabled.'),
      run: ({ id }) => update.mutateAsync({ id, enabled: true }),
      started: (views) => oneOr(views, (name) => `Enabled ${name}`, `Enabled ${views.length} users`),
      asCli: ({ id }) => shellLine('openstack', 'user', 'set', '--enable', id),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: (view) => all(manage(view.domainId), notMe(view)),
      confirm: (views) => ({
        title: oneOr(views, (name) => `Delete ${name}?`, `Delete ${views.length} users?`),
        body: 'The sessions, roles, key pairs and credentials of the user are deleted, too. What the user has made in projects stays there.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) => oneOr(views, (name) => `Deleted ${name}`, `Deleted ${views.length} users`),
      asCli: ({ id }) => shellLine('openstack', 'user', 'delete', id),
    },
  ]
}

function useNotMe() {
  const { userId } = useSession()
  return ({ id }: UserView) => id !== userId || 'That is you.'
}

const oneOr = (views: UserView[], words: (name: string) => string, many: string) =>
  views.length === 1 ? words(views[0]?.name ?? '') : many

/** The actions that end a user's sessions. */
function useSignInActions(): ResourceAction<UserView>[] {
  const trpc = useTRPC()
  const manage = useManage()
  const notMe = useNotMe()
  const resetCodes = useMutation(trpc.identity.secondFactor.reset.mutationOptions())
  const revokeAll = useMutation(trpc.identity.sessions.revokeAll.mutationOptions())
  return [
    {
      id: 'sign-out',
      label: 'Sign out everywhere',
      icon: <IconLogout size={16} />,
      danger: true,
      bulk: true,
      allowed: (view) => all(manage(view.domainId), notMe(view)),
      confirm: (views) => ({
        title: oneOr(
          views,
          (name) => `Sign ${name} out everywhere?`,
          `Sign ${views.length} users out everywhere?`,
        ),
        body: 'Every session and every token of the user ends at once, in browsers, command lines and programs. The password stays valid.',
        confirmLabel: 'Sign out everywhere',
      }),
      run: ({ id }) => revokeAll.mutateAsync({ userId: id }),
      started: (views) =>
        oneOr(views, (name) => `${name} is signed out everywhere`, `${views.length} users are signed out`),
    },
    {
      id: 'codes',
      label: 'Turn codes off',
      icon: <IconDeviceMobileOff size={16} />,
      danger: true,
      allowed: (view) =>
        all(
          manage(view.domainId),
          view.options.multi_factor_auth_enabled === true || 'The user signs in without a code.',
        ),
      confirm: ([view]) => ({
        title: `Turn codes off for ${view?.name ?? ''}?`,
        body: 'Turn codes off for a user who has lost the phone. From now on the password alone is enough, and every session of the user ends. The user can set up a new phone in the profile.',
        confirmLabel: 'Turn codes off',
      }),
      run: ({ id }) => resetCodes.mutateAsync({ id }),
      started: ([view]) => `${view?.name ?? ''} signs in with the password alone`,
    },
  ]
}
