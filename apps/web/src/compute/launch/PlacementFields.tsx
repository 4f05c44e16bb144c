'use client'
import { Checkbox, PasswordInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { policyText } from '../server-groups/policy-words.ts'
import type { LaunchFormApi } from './use-launch-form.ts'
import { addressAllowed } from './values.ts'

/** The fields for the server group, the zone, the host (administrators only) and the address. */
export function PlacementFields({ form }: { form: LaunchFormApi }) {
  const trpc = useTRPC()
  const { isAdmin } = useSession()
  const groups = useQuery(trpc.compute.serverGroups.list.queryOptions({ limit: 1000 }))
  const zones = useQuery(trpc.compute.zones.queryOptions())
  const hosts = useQuery(trpc.hosts.list.queryOptions({ limit: 1000 }, { enabled: isAdmin }))
  const byAddress = addressAllowed(form.values)
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
      <Select
        label="Server group"
        description="Stands apart from the others of the group, or together with them."
        placeholder={groups.data?.items.length === 0 ? 'This project has none' : 'None'}
        clearable
        searchable
        data={(groups.data?.items ?? []).map((group) => ({
          value: group.id,
          label: `${group.name} (${policyText(group)})`,
        }))}
        {...form.getInputProps('serverGroupId')}
      />
      <Select
        label="Zone"
        description="Where its host is to be."
        placeholder="Any"
        clearable
        data={(zones.data ?? []).map(({ name, available }) => ({
          value: name,
          label: available ? name : `${name}: no host of it takes instances now`,
        }))}
        {...form.getInputProps('zone')}
      />
      {isAdmin && (
        <Select
          label="Host"
          description="For administrators: this host and no other."
          placeholder="Any"
          clearable
          searchable
          data={(hosts.data?.items ?? []).map(({ name }) => name)}
          {...form.getInputProps('hostName')}
        />
      )}
      <TextInput
        label="Address"
        description={byAddress === true ? 'Empty: any that is free on the network.' : byAddress}
        placeholder="10.0.0.7"
        disabled={byAddress !== true}
        {...form.getInputProps('address')}
      />
    </SimpleGrid>
  )
}

export function ConfigDriveFields({ form }: { form: LaunchFormApi }) {
  return (
    <Stack gap="xs">
      <Checkbox
        label="Config drive"
        description="The metadata also come on a CD-ROM, for images that do not ask the metadata service."
        {...form.getInputProps('configDrive', { type: 'checkbox' })}
      />
      {form.values.configDrive && (
        <PasswordInput
          label="Administrator’s password"
          description="Goes onto the config drive and nowhere else. Not every image takes it."
          maxLength={255}
          autoComplete="new-password"
          {...form.getInputProps('adminPass')}
        />
      )}
    </Stack>
  )
}
