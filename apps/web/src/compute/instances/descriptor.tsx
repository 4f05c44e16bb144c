import { Anchor, Text } from '@mantine/core'
import type { InstanceDetail, InstanceView } from '@stratolith/api/compute/contract'
import { IconServer2 } from '@tabler/icons-react'
import { ProjectName } from '../../directory/projects/ProjectName.tsx'
import { Ago } from '../../kit/Ago.tsx'
import type { ColumnDef, ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib, mib } from '../../kit/format.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import type { Session } from '../../kit/session.ts'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { LaunchButton } from '../launch/LaunchButton.tsx'
import { localDisksText } from '../size-words.ts'
import { Addresses } from './Addresses.tsx'
import { InstanceName } from './InstanceName.tsx'
import { InstanceState } from './InstanceState.tsx'
import { lockText } from './lock-words.ts'

/** A volume that is the root disk has a size of its own. */
export const sizeText = ({ flavor, rootOnVolume }: Pick<InstanceView, 'flavor' | 'rootOnVolume'>): string =>
  [
    `${flavor.vcpus} vCPU`,
    mib(flavor.memoryMib),
    rootOnVolume ? 'root disk on a volume' : gib(flavor.diskGib),
    localDisksText(flavor),
  ]
    .filter(Boolean)
    .join(' · ')

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
    cell: (view) => <TwoLines second={sizeText(view)}>{view.flavor.name}</TwoLines>,
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
  empty: {
    title: 'No instances yet',
    text: 'An instance is a virtual machine. Type a name, press Enter, and it runs in seconds.',
    action: <LaunchButton />,
  },
}

/** The administrators' list: the instances of all projects, with their project and their host. */
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
      hideBelow: 'md',
    },
    ...columns
      .slice(2)
      .map((column) =>
        ['image', 'created'].includes(column.id) ? { ...column, hideBelow: 'xl' as const } : column,
      ),
  ],
  empty: { title: 'No instances', text: 'Nobody runs anything in this cloud yet.' },
}

/**
 * The list that contains the instance: the project's own, or that of all projects for a reader from another project.
 */
export const listOf = (view: Pick<InstanceView, 'projectId'>, here: string | null) =>
  view.projectId === here
    ? { plural: instanceDescriptor.plural, listPath: paths.instances }
    : { plural: 'All instances', listPath: paths.adminInstances }

type Reader = Pick<Session, 'project' | 'isAdmin' | 'userId'>
/**
 * The facts of an instance. Its project is named when the reader is in another one; things that the reader may look at
 * are links.
 */
export function instanceFacts(view: InstanceView, { project, isAdmin, userId }: Reader) {
  return [
    { label: 'ID', value: view.id, copy: view.id },
    ...(view.projectId === project?.id
      ? []
      : [{ label: 'Project', value: <ProjectName id={view.projectId} /> }]),
    ...(view.description ? [{ label: 'Description', value: view.description }] : []),
    {
      label: 'Size',
      value: (
        <>
          {isAdmin ? linkTo(paths.adminFlavor(view.flavor.id), view.flavor.name) : view.flavor.name}
          <Text size="xs" c="dimmed">
            {sizeText(view)}
          </Text>
        </>
      ),
    },
    {
      label: 'Image',
      value: view.image.id ? linkTo(paths.image(view.image.id), view.image.name) : view.image.name,
    },
    {
      label: 'Key pair',
      // A key pair belongs to its user, and nobody else has a page of it.
      value:
        view.keyName !== null && view.userId === userId
          ? linkTo(paths.keyPair(view.keyName), view.keyName)
          : (view.keyName ?? 'None'),
    },
    { label: 'Host name', value: view.hostname },
    { label: 'Zone', value: view.zone ?? '–' },
    ...(view.hostName
      ? [
          {
            label: 'Host',
            value: view.hostId
              ? linkTo(`${paths.adminHosts}?panel=${view.hostId}`, view.hostName)
              : view.hostName,
          },
        ]
      : []),
    { label: 'Created', value: <Ago iso={view.createdAt} /> },
    // The time of the first start: later stops, starts and reboots do not change it.
    { label: 'Launched', value: view.launchedAt ? <Ago iso={view.launchedAt} /> : 'Never yet' },
    ...(view.locked ? [{ label: 'Locked', value: lockText(view) }] : []),
  ]
}

const linkTo = (href: string, name: string) => (
  <Anchor component={Link} size="sm" href={href}>
    {name}
  </Anchor>
)

/** Facts that only the instance's page shows. */
export const detailFacts = (view: InstanceDetail) => [
  ...(view.serverGroup
    ? [
        {
          label: 'Server group',
          value: (
            <Anchor component={Link} size="sm" href={paths.serverGroup(view.serverGroup.id)}>
              {view.serverGroup.name}
            </Anchor>
          ),
        },
      ]
    : []),
  { label: 'Config drive', value: view.configDrive ? 'yes' : 'no' },
]
