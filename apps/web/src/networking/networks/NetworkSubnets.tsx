'use client'
import { Code, Text } from '@mantine/core'
import type { NetworkView, SubnetView } from '@stratolith/api/networking/contract'
import { IconListNumbers, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction, ResourceDescriptor } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel, useUrlState } from '../../kit/url-state.ts'
import { Bar } from '../../ui/Bar.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { subnetDeleteCli } from '../cli.ts'
import { poolsText } from '../pools.ts'

const SubnetCreateForm = lazyPanel(() =>
  import('./SubnetCreateForm.tsx').then((module) => module.SubnetCreateForm),
)

const SubnetEditForm = lazyPanel(() => import('./SubnetEditForm.tsx').then((module) => module.SubnetEditForm))

const subnetDescriptor: ResourceDescriptor<SubnetView> = {
  kind: 'network',
  noun: 'Subnet',
  plural: 'Subnets',
  name: (subnet) => subnet.name || subnet.cidr,
  icon: <IconListNumbers size={28} />,
  columns: [
    {
      id: 'cidr',
      header: 'Range',
      cell: (subnet) => (
        <>
          <Code fw={600}>{subnet.cidr}</Code>
          {[subnet.name, subnet.description].filter(Boolean).map((text) => (
            <Text key={text} size="xs" c="dimmed" mt={2} lineClamp={1} title={text}>
              {text}
            </Text>
          ))}
        </>
      ),
    },
    {
      id: 'gateway',
      header: 'Gateway',
      hideBelow: 'sm',
      cell: (subnet) => subnet.gatewayIp ?? 'None',
    },
    {
      id: 'pool',
      header: 'Given out',
      hideBelow: 'md',
      cell: (subnet) => <span style={{ whiteSpace: 'nowrap' }}>{poolsText(subnet.pools)}</span>,
    },
    {
      id: 'dhcp',
      header: 'DHCP',
      hideBelow: 'sm',
      width: 70,
      cell: (subnet) => (subnet.dhcp ? 'On' : 'Off'),
    },
    {
      id: 'dns',
      header: 'Name servers',
      hideBelow: 'md',
      cell: (subnet) => (subnet.dns.length > 0 ? subnet.dns.join(', ') : 'None'),
    },
    {
      id: 'used',
      header: 'Addresses',
      width: 190,
      cell: (subnet) => <Bar bare label="Used" used={subnet.addressesUsed} limit={subnet.addressesTotal} />,
    },
  ],
  empty: {
    title: 'No subnet yet',
    text: 'A network without a subnet has no addresses to give to instances.',
  },
}

export function NetworkSubnets({ network }: { network: NetworkView }) {
  const trpc = useTRPC()
  const may = useMay()
  const panel = useUrlPanel('add')
  const { get, set } = useUrlState()
  const edited = network.subnets.find(({ id }) => id === get('subnet'))
  const remove = useMutation(trpc.networking.subnets.delete.mutationOptions())
  const edit: ResourceAction<SubnetView> = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: () => may(network.own),
    open: ({ id }) => set({ subnet: id }, true),
  }
  const erase: ResourceAction<SubnetView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    allowed: (subnet) =>
      all(
        may(network.own),
        subnet.addressesUsed === 0 ||
          `${subnet.addressesUsed} of its addresses are in use. Delete the instances on it and detach the router first.`,
      ),
    confirm: ([subnet]) => ({
      title: `Delete subnet ${subnet?.cidr ?? ''}?`,
      body: <Text size="sm">Instances get no more addresses of this range.</Text>,
      confirmLabel: 'Delete',
    }),
    run: (subnet) => remove.mutateAsync({ id: subnet.id }),
    started: ([subnet]) => `Subnet ${subnet?.cidr ?? ''} is deleted`,
    asCli: (subnet) => subnetDeleteCli(subnet.id),
  }
  const add = (
    <ReasonButton
      size="xs"
      variant="default"
      leftSection={<IconPlus size={14} />}
      allowed={may(network.own)}
      onClick={panel.open}
    >
      Add subnet
    </ReasonButton>
  )
  return (
    <Section title="Subnets" description="Ranges of addresses of this network." action={add}>
      <RowsTable descriptor={subnetDescriptor} rows={network.subnets} actions={[edit, erase]} />
      <SubnetCreateForm network={network} opened={panel.opened} onClose={panel.close} />
      {edited && (
        <SubnetEditForm
          key={edited.id}
          subnet={edited}
          network={network}
          opened
          onClose={() => set({ subnet: null })}
        />
      )}
    </Section>
  )
}
