import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import { IconFolders } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'
import { EnabledBadge } from '../EnabledBadge.tsx'
import { ownAttributes } from '../own-attributes.ts'
import { Tags } from '../Tags.tsx'

export const projectDescriptor: ResourceDescriptor<ProjectDetail> & { listPath: string } = {
  kind: 'project',
  noun: 'Project',
  plural: 'Projects',
  listPath: paths.projects,
  name: (view) => view.name,
  path: (view) => paths.project(view.id),
  icon: <IconFolders size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => <NameCell href={paths.project(view.id)} name={view.name} detail={view.description} />,
    },
    {
      id: 'state',
      header: 'State',
      sort: true,
      value: (view) => (view.deleting ? 'deleting' : view.enabled ? 'enabled' : 'disabled'),
      cell: (view) => <EnabledBadge enabled={view.enabled} deleting={view.deleting} />,
    },
    {
      id: 'domain',
      header: 'Domain',
      sort: true,
      value: (view) => view.domainName,
      cell: (view) => view.domainName,
    },
    {
      id: 'tags',
      header: 'Tags',
      hideBelow: 'sm',
      value: (view) => view.tags.join(' '),
      cell: (view) => <Tags tags={view.tags} />,
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
    { label: 'Tags', value: <Tags tags={view.tags} /> },
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
    ...ownAttributes(view.extra),
  ],
  empty: {
    title: 'No projects',
    text: 'A project holds instances, networks and images of one team, within its quota.',
  },
}
