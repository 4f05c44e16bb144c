'use client'
import { MultiSelect, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { PortView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Facts } from '../../ui/Fact.tsx'
import { portSetCli } from '../cli.ts'
import { useSecurityGroups } from '../lookups.ts'
import { NetState } from '../NetState.tsx'
import { isInstancePort } from './device.tsx'

/** A port's facts, and what of it can be changed: its name and its security groups. */
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
  const { groups, elsewhere } = useSecurityGroups(port.projectId)
  const update = useMutation(trpc.networking.ports.update.mutationOptions())
  const form = useForm({
    initialValues: { name: port.name, securityGroupIds: port.securityGroups.map((group) => group.id) },
  })
  // Groups that it has are shown even while the list is on its way.
  const options = new Map([...port.securityGroups, ...groups].map((group) => [group.id, group.name]))
  const forInstance = isInstancePort(port)
  return (
    <SidePanelForm
      title={`Port ${port.addresses[0]?.address ?? port.mac}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ name, securityGroupIds }) => {
        await update.mutateAsync({
          id: port.id,
          name,
          securityGroupIds: forInstance ? securityGroupIds : undefined,
        })
        notify.started('The host applies the change to the port')
      }}
      submitLabel="Save"
      asCli={({ name, securityGroupIds }) => portSetCli(port.id, { name, groups: securityGroupIds })}
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      {forInstance ? (
        <MultiSelect
          label="Security groups"
          description={
            elsewhere
              ? 'The port belongs to another project: switch to that one to choose among its groups.'
              : form.values.securityGroupIds.length === 0
                ? 'Without a group nothing gets in or out.'
                : 'What may get in and out.'
          }
          data={[...options].map(([value, label]) => ({ value, label }))}
          searchable
          nothingFoundMessage="No such group"
          {...form.getInputProps('securityGroupIds')}
        />
      ) : (
        <Text size="sm" c="dimmed">
          Security groups filter ports of instances; this one belongs to the network itself.
        </Text>
      )}
      <Facts
        items={[
          { label: 'ID', value: port.id, copy: port.id },
          { label: 'MAC', value: port.mac, copy: port.mac },
          { label: 'State', value: <NetState state={port.state} detail={port.errorMessage} /> },
          ...(port.errorMessage ? [{ label: 'Reason', value: port.errorMessage }] : []),
        ]}
      />
    </SidePanelForm>
  )
}
