import { Text } from '@mantine/core'
import type { ServerGroupView } from '@stratolith/api/compute/contract'
import { IconAffiliate } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { MainAction } from '../../kit/MainAction.tsx'
import { NameCell } from '../../kit/NameCell.tsx'
import { creating, paths } from '../../kit/paths.ts'
import { policyText } from './policy-words.ts'

export const serverGroupDescriptor: ResourceDescriptor<ServerGroupView> = {
  kind: 'serverGroup',
  noun: 'Server group',
  plural: 'Server groups',
  name: ({ name }) => name,
  path: ({ id }) => paths.serverGroup(id),
  icon: <IconAffiliate size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: ({ name }) => name,
      cell: ({ id, name }) => <NameCell href={paths.serverGroup(id)} name={name} />,
    },
    {
      id: 'policy',
      header: 'Instances stand',
      sort: true,
      value: (view) => policyText(view),
      cell: (view) => <Text size="sm">{policyText(view)}</Text>,
    },
    {
      id: 'members',
      header: 'Members',
      width: 110,
      sort: true,
      value: ({ members }) => members.length,
      cell: ({ members }) => members.length,
    },
    {
      id: 'created',
      header: 'Created',
      width: 140,
      hideBelow: 'sm',
      sort: true,
      value: ({ createdAt }) => createdAt,
      cell: ({ createdAt }) => <Ago iso={createdAt} />,
    },
  ],
  empty: {
    title: 'No server groups yet',
    text: 'Instances that are launched into a group are placed on different hosts, so that they do not fail together, or on the same one.',
    action: <MainAction label="Create server group" to={{ href: creating(paths.serverGroups) }} />,
  },
}
