'use client'
import { useForm } from '@mantine/form'
import type { PoolView } from '@stratolith/api/volumes/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { usePathname, useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { PoolNameFields, PoolRoomFields } from './PoolFields.tsx'
import { PoolAccessFields } from './PoolPlaceFields.tsx'
import { editInput, editProblems, editValues, type PoolEditValues } from './values.ts'

type Props = { pool: PoolView; opened: boolean; onClose: () => void }

export function PoolEditForm({ pool, opened, onClose }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const pathname = usePathname()
  const update = useMutation(trpc.volumes.pools.update.mutationOptions())
  const form = useForm<PoolEditValues>({ initialValues: editValues(pool), validate: editProblems })
  return (
    <SidePanelForm
      needs="admin"
      title={`Edit ${pool.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      onSubmit={async (values) => {
        const { name } = await update.mutateAsync(editInput(pool, values))
        form.resetDirty(values)
        notify.done(`Saved ${name}`)
        const isOwnPage = pathname !== paths.adminVolumePools
        // The page of a pool has its name in the address.
        if (isOwnPage && name !== pool.name) return () => router.replace(paths.adminVolumePool(name))
        invalidateKind(client, 'volumePool')
      }}
    >
      <PoolNameFields inputs={form.getInputProps} />
      <PoolAccessFields driver={form.values.driver} inputs={form.getInputProps} />
      <PoolRoomFields inputs={form.getInputProps} />
    </SidePanelForm>
  )
}
