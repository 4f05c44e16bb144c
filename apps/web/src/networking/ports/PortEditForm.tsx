'use client'
import { TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { PortView } from '@stratolith/api/networking/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { portSetCli } from '../cli.ts'
import { useSecurityGroups } from '../lookups.ts'
import { isOfNetwork, portTitle } from './device.tsx'
import { FilterFields } from './FilterFields.tsx'
import { groupsInput } from './port-form.ts'

type Values = {
  name: string
  description: string
  groupIds: string[]
  portSecurity: boolean
  adminUp: boolean
}

/** The form for name, description and filters; ports of routers have only the first two. */
export function PortEditForm({
  port,
  opened,
  onClose,
}: {
  port: PortView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const { isAdmin } = useSession()
  const { groups, elsewhere } = useSecurityGroups(port.projectId)
  const network = useQuery(trpc.networking.networks.get.queryOptions({ id: port.networkId }))
  const update = useMutation(trpc.networking.ports.update.mutationOptions())
  const form = useForm<Values>({
    initialValues: {
      name: port.name,
      description: port.description,
      groupIds: port.securityGroups.map((group) => group.id),
      portSecurity: port.portSecurity,
      adminUp: port.adminUp,
    },
  })
  const filtered = !isOfNetwork(port)
  // The port's own groups are shown even while the list is being read.
  const known = new Map([...port.securityGroups, ...groups].map(({ id, name }) => [id, { id, name }]))
  const submit = async (values: Values) => {
    const { name, description, adminUp, portSecurity } = values
    // Only changed values are sent, so that a person who may not change port security can still rename the port.
    const filter = {
      adminUp: adminUp === port.adminUp ? undefined : adminUp,
      portSecurity: portSecurity === port.portSecurity ? undefined : portSecurity,
      securityGroupIds: groupsInput(values),
    }
    await update.mutateAsync({ id: port.id, name, description, ...(filtered ? filter : {}) })
    notify.started('The host applies the change to the port')
  }
  return (
    <SidePanelForm
      needs={{ projectId: port.projectId }}
      title={`Edit port ${portTitle(port)}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={submit}
      submitLabel="Save"
      asCli={({ name, description, groupIds, ...filter }) =>
        portSetCli(port.id, { name, description, filter: filtered ? { ...filter, groups: groupIds } : null })
      }
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <TextInput label="Description" maxLength={1000} {...form.getInputProps('description')} />
      {filtered && (
        <FilterFields
          values={form.values}
          set={form.setValues}
          groups={[...known.values()]}
          groupIds={form.values.groupIds}
          setGroups={(ids) => form.setFieldValue('groupIds', ids)}
          mayChoose={isAdmin || network.data?.own === true}
          none="Without a group nothing gets in or out."
          elsewhere={elsewhere}
        />
      )}
    </SidePanelForm>
  )
}
