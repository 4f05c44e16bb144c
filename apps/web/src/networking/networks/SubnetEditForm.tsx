'use client'
import { TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView, SubnetView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { subnetSetCli } from '../cli.ts'
import { GatewayFields, PoolFields, ServiceFields } from '../SubnetFields.tsx'
import { editInput, editOf, editProblems, type SubnetEditValues } from './subnet-edit.ts'

/** The form for everything of a subnet that can change; its range cannot. */
export function SubnetEditForm({
  subnet,
  network,
  opened,
  onClose,
}: {
  subnet: SubnetView
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const update = useMutation(trpc.networking.subnets.update.mutationOptions())
  const form = useForm<SubnetEditValues>({
    initialValues: editOf(subnet),
    validate: (values) => editProblems(subnet, values),
  })
  const live = form.isDirty() ? editProblems(subnet, form.values) : {}
  const set = (patch: Partial<SubnetEditValues>) => form.setValues(patch)
  const errorOf = (field: string) => live[field] ?? form.errors[field]
  return (
    <SidePanelForm
      needs={{ own: network.own }}
      title={`Edit subnet ${subnet.cidr} of ${network.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        await update.mutateAsync(editInput(subnet, values))
        notify.started('The hosts apply the change to the subnet')
      }}
      submitLabel="Save"
      asCli={(values) =>
        subnetSetCli(subnet.id, {
          ...values,
          pool: editInput(subnet, values).pool ?? { start: '', end: '' },
        })
      }
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <TextInput label="Description" maxLength={1000} {...form.getInputProps('description')} />
      <GatewayFields values={form.values} set={set} error={errorOf('gateway') ?? form.errors.gatewayIp} />
      <ServiceFields values={form.values} set={set} error={errorOf('dns')} />
      <PoolFields values={form.values} set={set} error={errorOf('pool')} empty="" />
    </SidePanelForm>
  )
}
