'use client'
import { Select } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { floatingIpAssociateCli, floatingIpCreateCli } from '../../../networking/cli.ts'
import { useExternalNetworks } from '../../../networking/lookups.ts'
import { freeAddresses, newOne, sources } from '../floating-ip-choices.ts'
import type { InstanceFormProps } from './use-instance-forms.tsx'

type Values = { source: string; portId: string }

/** Leads a floating IP to an instance: an unused one of the project, or a new one. */
export function FloatingIpForm({ view, opened, onClose }: InstanceFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { networks } = useExternalNetworks()
  const own = useQuery(trpc.networking.floatingIps.list.queryOptions({ limit: 1000 }))
  const associate = useMutation(trpc.networking.floatingIps.associate.mutationOptions())
  const create = useMutation(trpc.networking.floatingIps.create.mutationOptions())
  const free = freeAddresses(view.addresses)
  const choices = sources(own.data?.items ?? [], networks)
  const form = useForm<Values>({ initialValues: { source: '', portId: free[0]?.value ?? '' } })
  const sourceOf = ({ source }: Values) =>
    choices.find(({ value }) => value === source)?.value ?? choices[0]?.value ?? ''
  return (
    <SidePanelForm
      needs="member"
      title={`Associate a floating IP with ${view.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Associate"
      onSubmit={async (values) => {
        const networkId = newOne(sourceOf(values))
        const { portId } = values
        const { address } = networkId
          ? await create.mutateAsync({ networkId, portId })
          : await associate.mutateAsync({ id: sourceOf(values), portId })
        invalidateKind(client, 'floatingIp')
        invalidateKind(client, 'instance')
        notify.done(`${address} leads to “${view.name}”`)
      }}
      asCli={(values) => {
        const networkId = newOne(sourceOf(values))
        return networkId
          ? floatingIpCreateCli(networks.find(({ id }) => id === networkId)?.name ?? '', values.portId, '')
          : floatingIpAssociateCli(sourceOf(values), values.portId)
      }}
    >
      <Select
        label="Floating IP"
        data-autofocus
        data={choices}
        allowDeselect={false}
        {...form.getInputProps('source')}
        value={sourceOf(form.values) || null}
        error={
          form.errors.source ??
          (own.data && choices.length === 0
            ? 'This cloud has no external network, so there are no floating IPs.'
            : null)
        }
      />
      <Select
        label="Leads to"
        description="Its network needs a router that leads to the network of the floating IP."
        data={free}
        allowDeselect={false}
        {...form.getInputProps('portId')}
      />
    </SidePanelForm>
  )
}
