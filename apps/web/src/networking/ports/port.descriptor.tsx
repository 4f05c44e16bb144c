import { Badge, Code, Group, Stack, Text } from '@mantine/core'
import type { PortView } from '@stratolith/api/networking/contract'
import { IconPlug } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NetState } from '../NetState.tsx'
import { DeviceLink } from './device.tsx'

const nameOf = (port: PortView): string => port.name || port.addresses[0]?.address || port.mac

/** Ports as they are listed on a network's page; `instanceName` finds the name behind a device. */
export const portDescriptor = (
  instanceName: (id: string) => string | null,
): ResourceDescriptor<PortView> => ({
  kind: 'port',
  noun: 'Port',
  plural: 'Ports',
  name: nameOf,
  icon: <IconPlug size={28} />,
  columns: [
    {
      id: 'address',
      header: 'Address',
      value: (port) => port.addresses.map(({ address }) => address).join(' '),
      cell: (port) => <Addresses port={port} />,
    },
    {
      id: 'device',
      header: 'Attached to',
      value: (port) => port.deviceId,
      cell: (port) => <DeviceLink port={port} name={instanceName(port.deviceId)} />,
    },
    {
      id: 'mac',
      header: 'MAC',
      hideBelow: 'md',
      sort: true,
      value: (port) => port.mac,
      cell: (port) => <Code>{port.mac}</Code>,
    },
    {
      id: 'groups',
      header: 'Security groups',
      hideBelow: 'sm',
      cell: (port) =>
        port.securityGroups.length === 0 ? (
          '–'
        ) : (
          <Group gap={4}>
            {port.securityGroups.map((group) => (
              <Badge key={group.id} variant="default" tt="none" fw={500}>
                {group.name}
              </Badge>
            ))}
          </Group>
        ),
    },
    {
      id: 'state',
      header: 'State',
      width: 120,
      sort: true,
      value: (port) => port.state,
      cell: (port) => <NetState state={port.state} detail={port.errorMessage} />,
    },
  ],
  empty: { title: 'No ports yet', text: 'Each instance on this network has a port with its address here.' },
})

function Addresses({ port }: { port: PortView }) {
  return (
    <Stack gap={2} align="flex-start">
      {port.addresses.map(({ address, floatingIp }) => (
        <Group key={address} gap={6}>
          <Code fw={600}>{address}</Code>
          {floatingIp && (
            <Text size="xs" c="dimmed">
              public {floatingIp.address}
            </Text>
          )}
        </Group>
      ))}
      {port.name && (
        <Text size="xs" c="dimmed">
          {port.name}
        </Text>
      )}
    </Stack>
  )
}
