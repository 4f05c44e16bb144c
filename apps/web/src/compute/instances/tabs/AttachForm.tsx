'use client'
import { Select, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { useNetworks } from '../../../networking/lookups.ts'
import { attachCli } from '../cli.ts'

/** One more interface, on a network that instances are put on. */
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
  const form = useForm({
    initialValues: { networkId: '', address: '' },
    validate: { networkId: (id) => (networkOf(id) ? null : 'Choose a network.') },
  })
  const chosen = networkOf(form.values.networkId)
  const mayChoose = chosen === undefined || chosen.own
  const wishOf = ({ networkId, address }: { networkId: string; address: string }) => ({
    networkId: networkOf(networkId)?.id ?? '',
    address: mayChoose ? address.trim() : '',
  })
  return (
    <SidePanelForm
      title={`Attach an interface to ${view.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        const { networkId, address } = wishOf(values)
        await attach.mutateAsync({ id: view.id, networkId, address: address || undefined })
        invalidateKind(client, 'instance')
        notify.started(`Attaching “${view.name}” to ${chosen?.name ?? 'the network'}`)
      }}
      submitLabel="Attach"
      asCli={(values) => attachCli(view.id, wishOf(values))}
    >
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
    </SidePanelForm>
  )
}
