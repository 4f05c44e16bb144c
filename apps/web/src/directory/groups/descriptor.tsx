import type { GroupView } from '@stratolith/api/directory/users/contract'
import { IconUsers } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'

export const groupDescriptor: ResourceDescriptor<GroupView> & { listPath: string } = {
  kind: 'group',
  noun: 'Group',
  plural: 'Groups',
  listPath: paths.groups,
  name: (view) => view.name,
  path: (view) => paths.group(view.id),
  icon: <IconUsers size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => <NameCell href={paths.group(view.id)} name={view.name} detail={view.description} />,
    },
    { id: 'members', header: 'Members', value: (view) => view.members, cell: (view) => view.members },
    {
      id: 'domain',
      header: 'Domain',
      sort: true,
      value: (view) => view.domainName,
      cell: (view) => view.domainName,
    },
    {
      id: 'createdAt',
      header: 'Created',
      hideBelow: 'sm',
      sort: true,
      value: (view) => view.createdAt,
      cell: (view) => <Ago iso={view.createdAt} />,
    },
  ],
  facts: (view) => [
    { label: 'ID', value: view.id, copy: view.id },
    { label: 'Domain', value: view.domainName },
    { label: 'Members', value: view.members },
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
  ],
  empty: {
    title: 'No groups',
    text: 'Give a group a role, and every member of the group has this role.',
  },
}
