import type { DomainView } from '@stratolith/api/directory/projects/contract'
import { IconBuildingCommunity } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'
import { EnabledBadge } from '../EnabledBadge.tsx'
import { Tags } from '../Tags.tsx'

export const domainDescriptor: ResourceDescriptor<DomainView> & { listPath: string } = {
  kind: 'domain',
  noun: 'Domain',
  plural: 'Domains',
  listPath: paths.domains,
  name: (view) => view.name,
  path: (view) => paths.domain(view.id),
  icon: <IconBuildingCommunity size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => <NameCell href={paths.domain(view.id)} name={view.name} detail={view.description} />,
    },
    {
      id: 'enabled',
      header: 'State',
      sort: true,
      value: (view) => (view.enabled ? 'enabled' : 'disabled'),
      cell: (view) => <EnabledBadge enabled={view.enabled} />,
    },
    { id: 'projects', header: 'Projects', value: (view) => view.projects, cell: (view) => view.projects },
    { id: 'users', header: 'Users', value: (view) => view.users, cell: (view) => view.users },
    {
      id: 'tags',
      header: 'Tags',
      hideBelow: 'md',
      value: (view) => view.tags.join(' '),
      cell: (view) => <Tags tags={view.tags} />,
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
    { label: 'Projects', value: view.projects },
    { label: 'Users', value: view.users },
    { label: 'Tags', value: <Tags tags={view.tags} /> },
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
  ],
  empty: {
    title: 'No domains',
    text: 'A domain is a customer or department with its own projects, users and groups.',
  },
}
