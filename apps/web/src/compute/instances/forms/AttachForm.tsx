'use client'
import { SegmentedControl, Select, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import type { InstanceView } from '@stratolith/api/compute/contract'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { useNetworks } from '../../../networking/lookups.ts'
import { attachCli, attachPortCli } from '../cli.ts'

type Values = { how: 'network' | 'port'; networkId: string; address: string; portId: string | null }

/**
 * The form that attaches an interface: a new port on a network that is offered to instances, or a free port of the
 * project.
 */
export function AttachForm({
  view,
  opened,
  onClose,
}: {
  view: InstanceView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { networks, ready } = useNetworks()
  const attach = useMutation(trpc.compute.instances.attachInterface.mutationOptions())
  const usable = networks.filter((network) => !network.external && network.subnets.length > 0)
  const networkOf = (id: string) => usable.find((network) => network.id === id) ?? usable[0]
  const form = useForm<Values>({
    initialValues: { how: 'network', networkId: '', address: '', portId: null },
    validate: {
      networkId: (id, { how }) => (how === 'port' || networkOf(id) ? null : 'Choose a network.'),
      portId: (id, { how }) => (how === 'network' || id ? null : 'Choose a port.'),
    },
  })
  const { how } = form.values
  const chosen = networkOf(form.values.networkId)
  const mayChoose = chosen === undefined || chosen.own
  const wishOf = ({ networkId, address }: Values) => ({
    networkId: networkOf(networkId)?.id ?? '',
    address: mayChoose ? address.trim() : '',
  })
  const target = (values: Values) => {
    const { networkId, address } = wishOf(values)
    return values.how === 'port'
      ? { portId: values.portId ?? undefined }
      : { networkId, address: address || undefined }
  }
  return (
    <SidePanelForm
      needs="member"
      title={`Attach an interface to ${view.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        const since = Date.now()
        await attach.mutateAsync({ id: view.id, ...target(values) })
        invalidateKind(client, 'instance')
        const to = values.how === 'port' ? 'the port' : (chosen?.name ?? 'the network')
        notify.started(`Attaching “${view.name}” to ${to}`, [view.id], since)
      }}
      submitLabel="Attach"
      asCli={(values) =>
        values.how === 'port'
          ? attachPortCli(view.id, values.portId ?? '')
          : attachCli(view.id, wishOf(values))
      }
    >
      <SegmentedControl
        fullWidth
        aria-label="What is attached"
        data={[
          { value: 'network', label: 'A network' },
          { value: 'port', label: 'A port that is free' },
        ]}
        {...form.getInputProps('how')}
      />
      {how === 'network' ? (
        <NetworkFields form={form} usable={usable} chosen={chosen} ready={ready} />
      ) : (
        <PortField form={form} />
      )}
    </SidePanelForm>
  )
}

/** `chosen`: the chosen network, or else the first one. Only owners of a network may choose an address on it. */
function NetworkFields({
  form,
  usable,
  chosen,
  ready,
}: {
  form: UseFormReturnType<Values>
  usable: NetworkView[]
  chosen: NetworkView | undefined
  ready: boolean
}) {
  const mayChoose = chosen === undefined || chosen.own
  return (
    <>
      <Select
        label="Network"
        data-autofocus
        data={usable.map(({ id, name, subnets }) => ({
          value: id,
          label: `${name} (${subnets.map((subnet) => subnet.cidr).join(', ')})`,
        }))}
        allowDeselect={false}
        {...form.getInputProps('networkId')}
        value={chosen?.id ?? null}
        description={
          ready && usable.length === 0
            ? 'No network that this project may use has a subnet. Create one first.'
            : undefined
        }
      />
      <TextInput
        label="Address"
        description={
          mayChoose
            ? 'Empty: any that is free.'
            : 'Only the project that owns the network chooses one; you get any that is free.'
        }
        disabled={!mayChoose}
        {...form.getInputProps('address')}
      />
    </>
  )
}

function PortField({ form }: { form: UseFormReturnType<Values> }) {
  const { ports, ready } = useFreePorts()
  return (
    <Select
      label="Port"
      searchable
      data={ports}
      description={
        ready && ports.length === 0
          ? 'Every port of this project is in use. Choose a network instead.'
          : 'It keeps its addresses and security groups, and stays when it is detached.'
      }
      {...form.getInputProps('portId')}
    />
  )
}

/** The ports of the project that nothing uses. */
function useFreePorts() {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.networking.ports.list.queryOptions({ use: 'free', limit: 1000 }))
  return {
    ready: data !== undefined,
    ports: (data?.items ?? []).map(({ id, name, networkName, addresses, mac }) => ({
      value: id,
      label: `${name || mac} · ${addresses.map(({ address }) => address).join(', ') || 'no address'} (${networkName})`,
    })),
  }
}
