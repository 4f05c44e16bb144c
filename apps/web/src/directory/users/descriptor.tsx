import type { UserView } from '@stratolith/api/directory/users/contract'
import { IconUser } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'
import { ownAttributes } from '../own-attributes.ts'
import { UserState } from './UserState.tsx'

export const userDescriptor: ResourceDescriptor<UserView> & { listPath: string } = {
  kind: 'user',
  noun: 'User',
  plural: 'Users',
  listPath: paths.users,
  name: (view) => view.name,
  path: (view) => paths.user(view.id),
  icon: <IconUser size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => (
        <NameCell href={paths.user(view.id)} name={view.name} detail={view.description || view.email} />
      ),
    },
    {
      id: 'state',
      header: 'State',
      sort: true,
      value: (view) => (view.enabled ? 'enabled' : 'disabled'),
      cell: (view) => <UserState user={view} />,
    },
    {
      id: 'domain',
      header: 'Domain',
      hideBelow: 'sm',
      sort: true,
      value: (view) => view.domainName,
      cell: (view) => view.domainName,
    },
    {
      id: 'lastActiveAt',
      header: 'Last signed in',
      hideBelow: 'sm',
      sort: true,
      value: (view) => view.lastActiveAt,
      cell: (view) => (view.lastActiveAt ? <Ago iso={view.lastActiveAt} /> : 'never'),
    },
    {
      id: 'createdAt',
      header: 'Created',
      hideBelow: 'md',
      sort: true,
      value: (view) => view.createdAt,
      cell: (view) => <Ago iso={view.createdAt} />,
    },
  ],
  facts: (view) => [
    { label: 'ID', value: view.id, copy: view.id },
    { label: 'Domain', value: view.domainName },
    { label: 'E-mail', value: view.email ?? '–' },
    {
      label: 'Password',
      value:
        view.backend !== 'sql'
          ? `checked by ${view.backend}`
          : !view.hasPassword
            ? 'none: cannot sign in by password'
            : 'set',
    },
    {
      label: 'Second factor',
      value: view.options.multi_factor_auth_enabled ? 'a code of an authenticator app' : 'none',
    },
    ...(view.passwordExpiresAt
      ? [{ label: 'Password expires', value: <Ago iso={view.passwordExpiresAt} /> }]
      : []),
    {
      label: 'Last signed in',
      value: view.lastActiveAt ? <Ago iso={view.lastActiveAt} /> : 'never',
    },
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
    ...ownAttributes(view.extra),
  ],
  empty: {
    title: 'No users',
    text: 'A user can sign in, and can work in projects in which they have a role.',
  },
}
