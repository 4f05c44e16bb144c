import { Anchor, Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconRocket, IconServer2 } from '@tabler/icons-react'
import { ProjectName } from '../../directory/projects/ProjectName.tsx'
import { Ago } from '../../kit/Ago.tsx'
import type { ColumnDef, ResourceDescriptor } from '../../kit/descriptor.ts'
import { dateTime, gib, mib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { LaunchButton } from '../launch/LaunchButton.tsx'
import { Addresses } from './Addresses.tsx'
import { InstanceName } from './InstanceName.tsx'
import { InstanceState } from './InstanceState.tsx'
import { lockText } from './lock-words.ts'

export const sizeText = (flavor: InstanceView['flavor']): string =>
  `${flavor.vcpus} vCPU · ${mib(flavor.memoryMib)} · ${gib(flavor.diskGib)}`

const columns: ColumnDef<InstanceView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 220,
    cell: (view) => <InstanceName view={view} />,
    sort: true,
    value: (view) => view.name,
  },
  {
    id: 'state',
    header: 'State',
    cell: (view) => <InstanceState view={view} />,
    sort: true,
    value: (view) => view.status,
    width: 150,
  },
  {
    id: 'flavor',
    header: 'Size',
    cell: (view) => (
      <div>
        <Text size="sm">{view.flavor.name}</Text>
        <Text size="xs" c="dimmed">
          {sizeText(view.flavor)}
        </Text>
      </div>
    ),
    sort: true,
    value: (view) => view.flavor.name,
    hideBelow: 'md',
  },
  {
    id: 'image',
    header: 'Image',
    cell: (view) => <Text size="sm">{view.image.name}</Text>,
    sort: true,
    value: (view) => view.image.name,
    hideBelow: 'md',
  },
  {
    id: 'addresses',
    header: 'Addresses',
    cell: (view) => <Addresses addresses={view.addresses} />,
    value: (view) =>
      view.addresses
        .flatMap(({ address, floatingIp }) => (floatingIp ? [address, floatingIp] : [address]))
        .join(' '),
  },
  {
    id: 'created',
    header: 'Created',
    cell: (view) => (
      <Text size="sm" span>
        <Ago iso={view.createdAt} />
      </Text>
    ),
    sort: true,
    value: (view) => view.createdAt,
    width: 130,
    hideBelow: 'sm',
  },
]

export const instanceDescriptor: ResourceDescriptor<InstanceView> = {
  kind: 'instance',
  noun: 'Instance',
  plural: 'Instances',
  name: (view) => view.name,
  path: (view) => paths.instance(view.id),
  icon: <IconServer2 size={28} />,
  columns,
  facts: (view) => instanceFacts(view),
  empty: {
    title: 'No instances yet',
    text: 'An instance is a virtual machine. Type a name, press Enter, and it runs in seconds.',
    action: <LaunchButton leftSection={<IconRocket size={16} />}>Launch your first instance</LaunchButton>,
  },
}

/** For administrators: everybody's, with where they belong and where they run. */
export const allInstancesDescriptor: ResourceDescriptor<InstanceView> = {
  ...instanceDescriptor,
  columns: [
    ...columns.slice(0, 2),
    {
      id: 'project',
      header: 'Project',
      width: 130,
      cell: (view) => <ProjectName id={view.projectId} />,
      value: (view) => view.projectId,
    },
    {
      id: 'host',
      header: 'Host',
      cell: (view) => <Text size="sm">{view.hostName ?? '–'}</Text>,
      sort: true,
      value: (view) => view.hostName,
    },
    ...columns
      .slice(2)
      .map((column) =>
        ['image', 'created'].includes(column.id) ? { ...column, hideBelow: 'xl' as const } : column,
      ),
  ],
  empty: { title: 'No instances', text: 'Nobody runs anything in this cloud yet.' },
}

/** The list that has it: the project's own, or everybody's for whoever looks from elsewhere. */
export const listOf = (view: Pick<InstanceView, 'projectId'>, here: string | null) =>
  view.projectId === here
    ? { plural: instanceDescriptor.plural, listPath: paths.instances }
    : { plural: 'All instances', listPath: paths.adminInstances }

/** `here`: the project that the session is for; of an instance of another one it is said whose it is. */
export function instanceFacts(view: InstanceView, here?: string | null) {
  return [
    { label: 'ID', value: view.id, copy: view.id },
    ...(view.projectId === here ? [] : [{ label: 'Project', value: <ProjectName id={view.projectId} /> }]),
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
    { label: 'Size', value: `${view.flavor.name} (${sizeText(view.flavor)})` },
    {
      label: 'Image',
      value: view.image.id ? (
        <Anchor component={Link} size="sm" href={paths.image(view.image.id)}>
          {view.image.name}
        </Anchor>
      ) : (
        view.image.name
      ),
    },
    { label: 'Key pair', value: view.keyName ?? 'none' },
    { label: 'Zone', value: view.zone ?? '–' },
    ...(view.hostName ? [{ label: 'Host', value: view.hostName }] : []),
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    // When it first ran: a stop, a start and a reboot do not change it.
    { label: 'Launched', value: view.launchedAt ? dateTime(view.launchedAt) : 'never yet' },
    ...(view.locked ? [{ label: 'Locked', value: lockText(view) }] : []),
    ...Object.entries(view.metadata).map(([key, value]) => ({ label: key, value: value || '–' })),
  ]
}
