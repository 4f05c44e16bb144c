import { Anchor, Badge, Code, Group, Stack, Text } from '@mantine/core'
import type { PortView } from '@stratolith/api/networking/contract'
import { IconPlug } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { NetState } from '../NetState.tsx'
import { DeviceLink, portTitle } from './device.tsx'

/** `onNetwork`: the list is on the page of a network, so the network is not named in it. */
export const portDescriptor = (onNetwork = false): ResourceDescriptor<PortView> => ({
  kind: 'port',
  noun: 'Port',
  plural: 'Ports',
  name: portTitle,
  path: (port) => paths.port(port.id),
  icon: <IconPlug size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Port',
      sort: true,
      value: portTitle,
      cell: (port) => (
        <NameCell href={paths.port(port.id)} name={portTitle(port)} detail={port.description} />
      ),
    },
    {
      id: 'address',
      header: 'Addresses',
      value: (port) => port.addresses.map(({ address }) => address).join(' '),
      cell: (port) => <Addresses port={port} />,
    },
    ...(onNetwork
      ? []
      : [
          {
            id: 'network',
            header: 'Network',
            hideBelow: 'sm' as const,
            value: (port: PortView) => port.networkName,
            cell: (port: PortView) => <NetworkLink port={port} />,
          },
        ]),
    {
      id: 'device',
      header: 'Attached to',
      value: (port) => port.device?.name ?? port.deviceId,
      cell: (port) => <DeviceLink port={port} />,
    },
    {
      id: 'mac',
      header: 'MAC',
      hideBelow: 'xl',
      sort: true,
      value: (port) => port.mac,
      cell: (port) => <Code>{port.mac}</Code>,
    },
    {
      id: 'groups',
      header: 'Security groups',
      hideBelow: 'xl',
      cell: (port) => <Groups port={port} />,
    },
    {
      id: 'state',
      header: 'State',
      width: 120,
      sort: true,
      value: (port) => port.state,
      cell: (port) => <NetState state={port.state} detail={port.errorMessage ?? offText(port)} />,
    },
  ],
  facts: (port) => [
    { label: 'ID', value: port.id, copy: port.id },
    { label: 'Network', value: <NetworkLink port={port} /> },
    { label: 'MAC', value: port.mac, copy: port.mac },
    { label: 'Security groups', value: <Groups port={port} /> },
    { label: 'Port security', value: port.portSecurity ? 'On' : 'Off: nothing is filtered' },
    { label: 'Switched on', value: port.adminUp ? 'Yes' : 'No: it carries nothing' },
    { label: 'Created', value: <Ago iso={port.createdAt} /> },
    ...(port.errorMessage ? [{ label: 'Reason', value: port.errorMessage }] : []),
    ...(port.description ? [{ label: 'Description', value: port.description }] : []),
  ],
  empty: {
    title: 'No ports yet',
    text: 'Each instance and router has a port with its address on every network that it is on. A port made before its instance keeps its address for that instance.',
  },
})

const offText = (port: PortView): string | null => (port.adminUp ? null : 'It is switched off.')

function NetworkLink({ port }: { port: PortView }) {
  return (
    <Anchor
      component={Link}
      href={paths.network(port.networkId)}
      size="sm"
      style={{ overflowWrap: 'anywhere' }}
    >
      {port.networkName}
    </Anchor>
  )
}

function Groups({ port }: { port: PortView }) {
  if (port.securityGroups.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None
      </Text>
    )
  return (
    <Group gap={4}>
      {port.securityGroups.map((group) => (
        <Badge
          key={group.id}
          component={Link}
          href={paths.securityGroup(group.id)}
          variant="default"
          tt="none"
          fw={500}
          style={{ cursor: 'pointer' }}
        >
          {group.name}
        </Badge>
      ))}
    </Group>
  )
}

function Addresses({ port }: { port: PortView }) {
  if (port.addresses.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None
      </Text>
    )
  return (
    <Stack gap={2} align="flex-start">
      {port.addresses.map(({ address, floatingIp }) => (
        <Group key={address} gap={6}>
          <Code fw={600} style={{ whiteSpace: 'nowrap' }}>
            {address}
          </Code>
          {floatingIp && (
            <Text size="xs" c="dimmed">
              public {floatingIp.address}
            </Text>
          )}
        </Group>
      ))}
    </Stack>
  )
}
