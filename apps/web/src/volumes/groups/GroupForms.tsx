'use client'
import { MultiSelect, Select, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { volumeCan } from '@stratolith/api/volumes/states'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { gib } from '../../kit/format.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useLook } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { QuotaRoom } from '../QuotaBars.tsx'
import { volumeName } from '../volume.descriptor.tsx'
import {
  groupCreateCli,
  groupName,
  groupSetCli,
  groupVolumesCli,
  nameProblem,
  volumesProblem,
} from './words.ts'

type Panel = { opened: boolean; onClose: () => void }

/** The volumes of a project that can become those of a group of it; no project: of the session's. */
function useFreeVolumes(projectId?: string) {
  const trpc = useTRPC()
  const look = useLook(projectId ?? null)
  const allProjects = projectId !== undefined && look.allProjects
  const { data } = useQuery(trpc.volumes.list.queryOptions({ limit: 1000, allProjects, projectId }))
  return (data?.items ?? []).filter((volume) => volume.groupId === null && volumeCan.join(volume) === true)
}

function VolumesField({
  projectId,
  value,
  onChange,
  error,
}: {
  projectId?: string
  value: string[]
  onChange: (ids: string[]) => void
  error: ReactNode
}) {
  const volumes = useFreeVolumes(projectId)
  return (
    <MultiSelect
      label="Volumes"
      description="A volume is in one group at most. Instances may use the volumes."
      placeholder={value.length > 0 ? undefined : 'Choose volumes'}
      data={volumes.map((one) => ({ value: one.id, label: `${volumeName(one)} · ${gib(one.sizeGib)}` }))}
      value={value}
      onChange={onChange}
      error={error}
      errorProps={{ role: 'alert' }}
      searchable
      nothingFoundMessage="No other volume of the project can be added."
    />
  )
}

export function GroupCreateForm({ opened, onClose }: Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const volumes = useFreeVolumes()
  const kinds = useQuery(trpc.volumes.groups.types.list.queryOptions()).data ?? []
  const usual = kinds.find(({ isDefault }) => isDefault)
  const create = useMutation(trpc.volumes.groups.create.mutationOptions())
  const form = useForm({
    initialValues: { name: '', description: '', type: null as string | null, volumeIds: [] as string[] },
    validate: { name: nameProblem, volumeIds: volumesProblem },
  })
  const typesOf = (ids: readonly string[]) => [
    ...new Set(volumes.filter(({ id }) => ids.includes(id)).map(({ type }) => type.name)),
  ]
  return (
    <SidePanelForm
      title="Create volume group"
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create volume group"
      onSubmit={async (values) => {
        const made = await create.mutateAsync({
          ...values,
          name: values.name.trim(),
          type: values.type ?? undefined,
        })
        invalidateKind(client, 'volumeGroup')
        notify.done(`Created ${groupName(made)}`)
        return () => router.push(paths.volumeGroup(made.id))
      }}
      asCli={({ name, type, volumeIds }) =>
        groupCreateCli({ name, type: type ?? usual?.name ?? null }, typesOf(volumeIds), volumeIds)
      }
    >
      <TextInput label="Name" required data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <VolumesField
        value={form.values.volumeIds}
        onChange={(ids) => form.setFieldValue('volumeIds', ids)}
        error={form.errors.volumeIds}
      />
      {kinds.length > 1 && (
        <Select
          label="Group type"
          description={kinds.find(({ name }) => name === (form.values.type ?? usual?.name))?.description}
          data={kinds.map(({ name }) => name)}
          placeholder={usual?.name}
          clearable
          {...form.getInputProps('type')}
        />
      )}
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <QuotaRoom adds={{ volumeGroups: 1 }} />
    </SidePanelForm>
  )
}

export function GroupEditForm({ group, opened, onClose }: { group: VolumeGroupView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.groups.update.mutationOptions())
  const { name, description } = group
  const form = useForm({ initialValues: { name, description } })
  return (
    <SidePanelForm
      title={`Edit ${groupName(group)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: group.id, ...values, name: values.name.trim() })
        form.resetDirty(values)
        invalidateKind(client, 'volumeGroup')
        notify.done(`Saved ${groupName(saved)}`)
      }}
      asCli={(values) => groupSetCli(group.id, values)}
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
    </SidePanelForm>
  )
}

export function VolumesAddForm({ group, opened, onClose }: { group: VolumeGroupView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.groups.update.mutationOptions())
  const form = useForm({ initialValues: { add: [] as string[] }, validate: { add: volumesProblem } })
  return (
    <SidePanelForm
      title={`Add volumes to ${groupName(group)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Add volumes"
      onSubmit={async ({ add }) => {
        await update.mutateAsync({ id: group.id, add, withTypes: true })
        invalidateKind(client, 'volumeGroup')
        notify.done(`Added ${add.length === 1 ? 'a volume' : `${add.length} volumes`} to ${groupName(group)}`)
      }}
      asCli={({ add }) => groupVolumesCli(group.id, add)}
    >
      <VolumesField
        projectId={group.projectId}
        value={form.values.add}
        onChange={(ids) => form.setFieldValue('add', ids)}
        error={form.errors.add}
      />
    </SidePanelForm>
  )
}
