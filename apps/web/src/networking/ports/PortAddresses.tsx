import { Code, Text } from '@mantine/core'
import type { NetworkView, PortView } from '@stratolith/api/networking/contract'
import { IconListNumbers } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { CopyText } from '../../ui/CopyText.tsx'
import { Section } from '../../ui/Section.tsx'

type Row = { id: string; address: string; subnet: string; floatingIp: string | null }

const descriptor: ResourceDescriptor<Row> = {
  kind: 'port',
  noun: 'Address',
  plural: 'Addresses',
  name: ({ address }) => address,
  icon: <IconListNumbers size={28} />,
  columns: [
    { id: 'address', header: 'Address', cell: ({ address }) => <CopyText value={address} /> },
    { id: 'subnet', header: 'Subnet', cell: ({ subnet }) => <Code>{subnet}</Code> },
    {
      id: 'public',
      header: 'Floating IP',
      cell: ({ floatingIp }) =>
        floatingIp ? (
          <CopyText value={floatingIp} />
        ) : (
          <Text size="sm" c="dimmed">
            None
          </Text>
        ),
    },
  ],
  empty: { title: 'No address', text: 'Nothing reaches it by IP.' },
}

/** The addresses of a port, with their subnets and the floating IPs that lead to them. */
export function PortAddresses({ port, network }: { port: PortView; network: NetworkView | null }) {
  const cidrOf = (id: string): string => network?.subnets.find((subnet) => subnet.id === id)?.cidr ?? '…'
  return (
    <Section title="Addresses">
      <RowsTable
        descriptor={descriptor}
        rows={port.addresses.map(({ subnetId, address, floatingIp }) => ({
          ...{ id: address, address },
          subnet: cidrOf(subnetId),
          floatingIp: floatingIp?.address ?? null,
        }))}
      />
    </Section>
  )
}
