'use client'
import { TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { suggestCidr } from '../cidr.ts'
import { subnetCreateCli } from '../cli.ts'
import { freeName } from '../free-name.ts'
import { useNetworks } from '../lookups.ts'
import {
  SubnetFields,
  type SubnetFormValues,
  subnetInitial,
  subnetInput,
  subnetProblems,
  subnetValues,
} from '../SubnetFields.tsx'

type Values = SubnetFormValues & { name: string }

export function SubnetCreateForm({
  network,
  opened,
  onClose,
}: {
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const { networks, ready } = useNetworks(network.projectId)
  const siblings = network.subnets.map((subnet) => subnet.cidr)
  const others = networks
    .filter((other) => other.id !== network.id)
    .flatMap((other) => other.subnets.map((subnet) => subnet.cidr))
  const suggestion = ready ? suggestCidr([...siblings, ...others]) : ''
  const create = useMutation(trpc.networking.subnets.create.mutationOptions())
  const form = useForm<Values>({
    initialValues: { ...subnetInitial, name: '' },
    validate: (values) => subnetProblems(values, suggestion, siblings),
  })
  const nameOf = (values: Values): string =>
    values.name.trim() ||
    freeName(
      `${network.name}-subnet`,
      network.subnets.map((subnet) => subnet.name),
    )
  const submit = async (values: Values) => {
    const subnet = subnetValues(values, suggestion)
    await create.mutateAsync({ networkId: network.id, name: nameOf(values), ...subnetInput(subnet) })
    notify.done(`Subnet ${subnet.cidr} is made`)
  }
  return (
    <SidePanelForm
      needs={{ own: network.own }}
      title={`Add a subnet to ${network.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={submit}
      submitLabel="Add"
      asCli={(values) => subnetCreateCli(network.name, nameOf(values), subnetValues(values, suggestion))}
    >
      <SubnetFields
        values={form.values}
        set={form.setValues}
        errors={form.errors}
        suggestion={suggestion}
        siblings={siblings}
        others={others}
      />
      <TextInput
        label="Name"
        placeholder={nameOf({ ...form.values, name: '' })}
        {...form.getInputProps('name')}
      />
    </SidePanelForm>
  )
}
