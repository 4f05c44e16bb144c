'use client'
import { Select, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { FloatingIpView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { floatingIpAssociateCli, floatingIpCreateCli, floatingIpSetCli } from '../cli.ts'
import { useExternalNetworks } from '../lookups.ts'
import { PortSelect } from './PortSelect.tsx'

/** Takes an address of an external network and leads it to an instance at once, if the person wishes. */
export function AllocateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const { networks, ready } = useExternalNetworks()
  const create = useMutation(trpc.networking.floatingIps.create.mutationOptions())
  const form = useForm<{ networkId: string; portId: string | null; description: string }>({
    initialValues: { networkId: '', portId: null, description: '' },
  })
  const chosen = (id: string): string => id || networks[0]?.id || ''
  return (
    <SidePanelForm
      needs="member"
      title="Allocate floating IP"
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ networkId, portId, description }) => {
        const fip = await create.mutateAsync({
          networkId: chosen(networkId) || undefined,
          portId: portId ?? undefined,
          description,
        })
        notify.done(`${fip.address} is yours`)
      }}
      submitLabel="Allocate"
      asCli={({ networkId, portId, description }) =>
        floatingIpCreateCli(
          networks.find(({ id }) => id === chosen(networkId))?.name ?? '',
          portId,
          description,
        )
      }
    >
      <Select
        label="External network"
        data-autofocus
        data={networks.map((network) => ({ value: network.id, label: network.name }))}
        allowDeselect={false}
        value={chosen(form.values.networkId)}
        onChange={(value) => form.setFieldValue('networkId', value ?? '')}
        error={
          ready && networks.length === 0
            ? 'This cloud has no external network, so there are no floating IPs.'
            : null
        }
      />
      <PortSelect
        ready={opened}
        label="Associate with"
        description="Optional: the instance to which it leads"
        placeholder="Search instances"
        {...form.getInputProps('portId')}
      />
      <TextInput label="Description" maxLength={1000} {...form.getInputProps('description')} />
    </SidePanelForm>
  )
}

export function AssociateForm({
  fip,
  opened,
  onClose,
}: {
  fip: FloatingIpView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const associate = useMutation(trpc.networking.floatingIps.associate.mutationOptions())
  const form = useForm<{ portId: string | null }>({
    initialValues: { portId: null },
    validate: { portId: (id) => (id ? null : 'Choose an instance.') },
  })
  return (
    <SidePanelForm
      needs={{ projectId: fip.projectId }}
      title={`Associate ${fip.address}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ portId }) => {
        await associate.mutateAsync({ id: fip.id, portId })
        notify.started(`Associating ${fip.address}`)
      }}
      submitLabel="Associate"
      asCli={({ portId }) => floatingIpAssociateCli(fip.id, portId ?? '')}
    >
      <PortSelect
        ready
        projectId={fip.projectId}
        label="Instance"
        required
        data-autofocus
        description="Its network needs a router that leads to the network of this address."
        placeholder="Search instances"
        {...form.getInputProps('portId')}
      />
    </SidePanelForm>
  )
}

export function EditForm({
  fip,
  opened,
  onClose,
}: {
  fip: FloatingIpView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const update = useMutation(trpc.networking.floatingIps.update.mutationOptions())
  const form = useForm({ initialValues: { description: fip.description } })
  return (
    <SidePanelForm
      needs={{ projectId: fip.projectId }}
      title={`Edit ${fip.address}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ description }) => {
        await update.mutateAsync({ id: fip.id, description })
        notify.done(`${fip.address} is changed`)
      }}
      submitLabel="Save"
      asCli={({ description }) => floatingIpSetCli(fip.id, description)}
    >
      <TextInput
        label="Description"
        data-autofocus
        description="What it is for; a floating IP has no name but its address."
        maxLength={1000}
        {...form.getInputProps('description')}
      />
    </SidePanelForm>
  )
}
