import { Anchor, Code, Group, Text } from '@mantine/core'
import type { FloatingIpView } from '@stratolith/api/networking/contract'
import { IconWorldPin } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { StateBadge } from '../../kit/StateBadge.tsx'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { CopyText } from '../../ui/CopyText.tsx'
import { NetState } from '../NetState.tsx'

export const floatingIpDescriptor: ResourceDescriptor<FloatingIpView> = {
  kind: 'floatingIp',
  noun: 'Floating IP',
  plural: 'Floating IPs',
  name: (fip) => fip.address,
  icon: <IconWorldPin size={28} />,
  columns: [
    {
      id: 'address',
      header: 'Address',
      sort: true,
      value: (fip) => fip.address,
      cell: (fip) => (
        <TwoLines second={fip.description}>
          <CopyText whole value={fip.address} />
        </TwoLines>
      ),
    },
    {
      id: 'attached',
      header: 'Leads to',
      sort: true,
      value: (fip) => fip.instanceName ?? fip.instanceId,
      cell: (fip) => <Target fip={fip} />,
    },
    {
      id: 'state',
      header: 'State',
      width: 120,
      sort: true,
      value: (fip) => fip.state,
      cell: (fip) =>
        fip.portId === null ? (
          <StateBadge state="Free" tone="off" detail="It leads to nothing yet." />
        ) : (
          <NetState state={fip.state} />
        ),
    },
    {
      id: 'network',
      header: 'Network',
      hideBelow: 'sm',
      value: (fip) => fip.networkName,
      cell: (fip) => fip.networkName,
    },
    {
      id: 'created',
      header: 'Allocated',
      hideBelow: 'md',
      sort: true,
      value: (fip) => fip.createdAt,
      cell: (fip) => <Ago iso={fip.createdAt} />,
    },
  ],
  empty: {
    title: 'No floating IPs yet',
    text: 'A floating IP is an address of the outside that leads to one of your instances. It stays with the project until it is released; one that was made at a launch goes with its instance while it leads there, unless it is kept when the instance is deleted.',
  },
}

function Target({ fip }: { fip: FloatingIpView }) {
  if (fip.portId === null)
    return (
      <Text size="sm" c="dimmed">
        Nothing
      </Text>
    )
  return (
    <Group gap="xs" wrap="nowrap">
      {fip.instanceId ? (
        <Anchor component={Link} href={paths.instance(fip.instanceId)} size="sm" fw={600}>
          {fip.instanceName ?? 'Instance'}
        </Anchor>
      ) : (
        <Anchor component={Link} href={paths.port(fip.portId)} size="sm">
          A port without an instance
        </Anchor>
      )}
      {fip.fixedAddress && <Code style={{ whiteSpace: 'nowrap' }}>{fip.fixedAddress}</Code>}
    </Group>
  )
}
