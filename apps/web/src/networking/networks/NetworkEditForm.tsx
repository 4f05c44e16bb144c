'use client'
import { Switch, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { NumberField } from '../../kit/NumberField.tsx'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'
import { networkSetCli } from '../cli.ts'

type Values = {
  name: string
  description: string
  mtu: number | string
  adminUp: boolean
  portSecurity: boolean
}

export function NetworkEditForm({
  network,
  opened,
  onClose,
}: {
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const update = useMutation(trpc.networking.networks.update.mutationOptions())
  const { name, description, mtu, adminUp, portSecurity } = network
  const form = useForm<Values>({
    initialValues: { name, description, mtu, adminUp, portSecurity },
    validate: {
      name: (text) => (text.trim() ? null : 'Give it a name.'),
      mtu: whole(576, 9000, 'A number of bytes'),
    },
  })
  return (
    <SidePanelForm
      needs={{ own: network.own }}
      title={`Edit ${network.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        await update.mutateAsync({ id: network.id, ...values, mtu: Number(values.mtu) })
        notify.done(`Network ${values.name} is changed`)
      }}
      submitLabel="Save"
      asCli={(values) => networkSetCli(network.id, { ...values, mtu: Number(values.mtu) })}
    >
      <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={1}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <NumberField
        label="MTU"
        description="The longest packet in bytes. Guests learn a new one by DHCP when they ask next."
        {...form.getInputProps('mtu')}
      />
      <Switch
        label="Port security for new ports"
        description="Without it new ports are not filtered and in no security group. Those that are there stay as they are."
        {...form.getInputProps('portSecurity', { type: 'checkbox' })}
      />
      <Switch
        label="Switched on"
        description="A network that is switched off carries nothing: all of its ports are down."
        {...form.getInputProps('adminUp', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}
