import { Anchor, Badge, Code, Group, Stack, Text } from '@mantine/core'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { IconShare3, IconTopologyStar3, IconWorld } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { NetState } from '../NetState.tsx'

export const networkDescriptor: ResourceDescriptor<NetworkView> = {
  kind: 'network',
  noun: 'Network',
  plural: 'Networks',
  name: (network) => network.name,
  path: (network) => paths.network(network.id),
  icon: <IconTopologyStar3 size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (network) => network.name,
      cell: (network) => (
        <Group gap={8}>
          <NameCell href={paths.network(network.id)} name={network.name} detail={network.description} />
          <NetworkBadges network={network} />
        </Group>
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 120,
      sort: true,
      value: (network) => network.state,
      cell: (network) => <NetState state={network.state} />,
    },
    {
      id: 'subnets',
      header: 'Subnets',
      value: (network) => network.subnets.map(({ cidr }) => cidr).join(' '),
      cell: (network) => <Ranges network={network} />,
    },
    {
      id: 'router',
      header: 'Way out',
      hideBelow: 'sm',
      value: (network) => network.router?.name ?? null,
      cell: (network) => <WayOut network={network} />,
    },
    {
      id: 'ports',
      header: 'Ports used',
      hideBelow: 'md',
      width: 110,
      value: (network) => network.ports,
      cell: (network) => network.ports.toLocaleString('en'),
    },
    {
      id: 'created',
      header: 'Created',
      hideBelow: 'md',
      sort: true,
      value: (network) => network.createdAt,
      cell: (network) => <Ago iso={network.createdAt} />,
    },
  ],
  facts: (network) => [
    { label: 'ID', value: network.id, copy: network.id },
    { label: 'Kind', value: kindText(network) },
    { label: 'MTU', value: `${network.mtu} bytes` },
    {
      label: 'Port security',
      value: network.portSecurity ? 'New ports are filtered' : 'New ports are not filtered',
    },
    ...(network.adminUp ? [] : [{ label: 'Switched on', value: 'No: it carries nothing' }]),
    { label: 'Ports used', value: network.ports.toLocaleString('en') },
    { label: 'Created', value: <Ago iso={network.createdAt} /> },
    ...(network.description ? [{ label: 'Description', value: network.description }] : []),
  ],
  empty: {
    title: 'No networks yet',
    text: 'Instances talk over networks. The starter network has everything: a range of addresses, DHCP and a router with a way out.',
  },
}

/** The list of a project, which tells the project's own networks from those that others have opened to it. */
export const projectNetworks: ResourceDescriptor<NetworkView> = {
  ...networkDescriptor,
  columns: networkDescriptor.columns.flatMap((column) =>
    column.id === 'state'
      ? [
          {
            id: 'whose',
            header: 'Whose',
            hideBelow: 'sm' as const,
            width: 140,
            value: (network: NetworkView) => network.projectId,
            cell: (network: NetworkView) => (
              <Text size="sm" c={network.own ? undefined : 'dimmed'}>
                {network.own ? 'This project' : 'Another project'}
              </Text>
            ),
          },
          column,
        ]
      : [column],
  ),
}

const kindText = (network: NetworkView): string =>
  network.external
    ? 'External: floating IPs and gateways come from it'
    : network.shared
      ? 'Shared with every project'
      : network.own
        ? 'Of this project, and of those that it is shared with'
        : 'Of another project'

export function NetworkBadges({ network }: { network: Pick<NetworkView, 'external' | 'shared'> }) {
  if (!network.external && !network.shared) return null
  return (
    <Group gap={4}>
      {network.external && (
        <Badge size="sm" variant="light" tt="none" leftSection={<IconWorld size={12} aria-hidden />}>
          external
        </Badge>
      )}
      {network.shared && (
        <Badge
          size="sm"
          variant="light"
          color="gray"
          tt="none"
          leftSection={<IconShare3 size={12} aria-hidden />}
        >
          shared
        </Badge>
      )}
    </Group>
  )
}

function Ranges({ network }: { network: NetworkView }) {
  if (network.subnets.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None
      </Text>
    )
  return (
    <Stack gap={2} align="flex-start">
      {network.subnets.map((subnet) => (
        <Code key={subnet.id} style={{ whiteSpace: 'nowrap' }}>
          {subnet.cidr}
        </Code>
      ))}
    </Stack>
  )
}

function WayOut({ network }: { network: NetworkView }) {
  if (network.external) return <Text size="sm">Is external itself</Text>
  if (!network.router)
    return (
      <Text size="sm" c="dimmed">
        None
      </Text>
    )
  return (
    <Anchor component={Link} href={paths.router(network.router.id)} size="sm">
      {network.router.name}
      {network.router.externalAddress === null && ' (no gateway)'}
    </Anchor>
  )
}
