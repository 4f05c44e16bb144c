'use client'
import { SegmentedControl, Select } from '@mantine/core'
import { type GetInputPropsReturnType, useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { PoolNameFields, PoolRoomFields } from './PoolFields.tsx'
import { PoolPlaceFields } from './PoolPlaceFields.tsx'
import { emptyPool, ofKind, type PoolValues, poolInput, poolProblems } from './values.ts'

export function PoolCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const create = useMutation(trpc.volumes.pools.create.mutationOptions())
  const form = useForm<PoolValues>({ initialValues: emptyPool, validate: poolProblems })
  const shared = form.values.reach === 'several'
  return (
    <SidePanelForm
      needs="admin"
      title="Create volume pool"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      onSubmit={async (values) => {
        const { name } = await create.mutateAsync(poolInput(values))
        invalidateKind(client, 'volumePool')
        notify.done(`Created ${name}`)
        return () => router.push(paths.adminVolumePool(name))
      }}
    >
      <PoolNameFields inputs={form.getInputProps} />
      <SegmentedControl
        aria-label="Where volumes are kept"
        data={[
          { value: 'files', label: 'In a folder' },
          { value: 'rbd', label: 'In Ceph' },
          { value: 'iscsi', label: 'On LUNs (iSCSI)' },
        ]}
        value={form.values.driver}
        onChange={(driver) => form.setValues(ofKind(driver))}
      />
      <PoolPlaceFields driver={form.values.driver} inputs={form.getInputProps} />
      <SegmentedControl
        aria-label="Who reaches the pool"
        data={[
          { value: 'one', label: 'One machine' },
          { value: 'several', label: 'Several machines' },
        ]}
        {...form.getInputProps('reach')}
      />
      {shared ? (
        <ZoneField field={form.getInputProps('zone')} driver={form.values.driver} />
      ) : (
        <HostField field={form.getInputProps('host')} />
      )}
      <PoolRoomFields inputs={form.getInputProps} placeholder="All there is" />
    </SidePanelForm>
  )
}

type Field = { field: GetInputPropsReturnType }

function HostField({ field }: Field) {
  const trpc = useTRPC()
  const hosts = useQuery(trpc.hosts.list.queryOptions({ limit: 1000 }))
  return (
    <Select
      label="Machine"
      required
      searchable
      data={(hosts.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
      {...field}
    />
  )
}

const zoneWords: Readonly<Record<PoolValues['driver'], string>> = {
  files: 'All machines of the zone have the same folder mounted at this place.',
  rbd: 'All machines of the zone reach the monitors and the disks of Ceph.',
  iscsi: 'All machines of the zone reach the portal, and the target lets them in.',
}

function ZoneField({ field, driver }: Field & Pick<PoolValues, 'driver'>) {
  const trpc = useTRPC()
  const zones = useQuery(trpc.compute.zones.queryOptions())
  return (
    <Select
      label="Zone"
      description={zoneWords[driver]}
      placeholder="The machines of all zones"
      clearable
      data={(zones.data ?? []).map(({ name }) => name)}
      {...field}
    />
  )
}
