import { Badge, Group } from '@mantine/core'
import type { RoleView } from '@stratolith/api/directory/roles/contract'
import { IconUserShield } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'

export const roleDescriptor: ResourceDescriptor<RoleView> & { listPath: string } = {
  kind: 'role',
  noun: 'Role',
  plural: 'Roles',
  listPath: paths.roles,
  name: (view) => view.name,
  path: (view) => paths.role(view.id),
  icon: <IconUserShield size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => <NameCell href={paths.role(view.id)} name={view.name} detail={view.description} />,
    },
    {
      id: 'implies',
      header: 'Implies',
      value: (view) => view.implies.map(({ name }) => name).join(' '),
      cell: (view) =>
        view.implies.length === 0 ? (
          '–'
        ) : (
          <Group gap={4}>
            {view.implies.map(({ id, name }) => (
              <Badge key={id} variant="default" tt="none" fw={500}>
                {name}
              </Badge>
            ))}
          </Group>
        ),
    },
    {
      id: 'kind',
      header: 'Kind',
      hideBelow: 'sm',
      cell: (view) =>
        view.immutable ? 'built in' : view.domainId === null ? 'of the cloud' : 'of one domain',
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
    {
      label: 'Kind',
      value: view.immutable
        ? 'built in: it stays as it is'
        : view.domainId === null
          ? 'of the cloud'
          : 'of one domain',
    },
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
  ],
  empty: {
    title: 'No roles',
    text: 'A role says what its holders may do in a project, in a domain or in the whole cloud.',
  },
}
