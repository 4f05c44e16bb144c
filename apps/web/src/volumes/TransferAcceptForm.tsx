'use client'
import { TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { isNothing } from '../kit/errors.ts'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { transferAcceptCli } from './cli.ts'
import { volumeName } from './volume.descriptor.tsx'

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Accepts a volume that another project offers, by the ID and the key that its owner has passed on. */
export function TransferAcceptForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const accept = useMutation(trpc.volumes.transfers.accept.mutationOptions())
  const form = useForm({
    initialValues: { id: '', key: '' },
    validate: {
      id: (id) => (uuid.test(id.trim()) ? null : 'An ID looks like 0f9b2c4e-7a1d-4c55-9e0a-2b6f0d3c8a11.'),
      key: (key) => (key.trim() ? null : 'Type the key.'),
    },
  })
  return (
    <SidePanelForm
      title="Accept a volume"
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Accept"
      onSubmit={async ({ id, key }) => {
        const { volume } = await accept
          .mutateAsync({ id: id.trim(), key: key.trim() })
          .catch((error: unknown) => {
            if (isNothing(error))
              throw new Error('No offer has this ID and this key. Ask its owner for both.')
            throw error
          })
        invalidateKind(client, 'volume')
        notify.done(`“${volumeName(volume)}” belongs to this project now`)
      }}
      asCli={({ id, key }) => transferAcceptCli(id.trim(), key.trim() && 'KEY')}
    >
      <TextInput label="ID of the transfer" required data-autofocus {...form.getInputProps('id')} />
      <TextInput label="Key" required autoComplete="off" {...form.getInputProps('key')} />
    </SidePanelForm>
  )
}
