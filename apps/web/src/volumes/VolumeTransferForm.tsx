'use client'
import { Alert, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NewTransfer } from '@stratolith/api/volumes/transfers/contract'
import { IconKey } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { AsCode } from '../kit/AsCode.tsx'
import { SidePanel } from '../kit/SidePanel.tsx'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { transferAcceptCli, transferCreateCli } from './cli.ts'
import type { VolumeFormProps } from './VolumeForms.tsx'
import { volumeName } from './volume.descriptor.tsx'

/** Offers the volume to another project, and then shows the key, at the only moment when the cloud has it. */
export function VolumeTransferForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.transfers.create.mutationOptions())
  const [made, setMade] = useState<NewTransfer | null>(null)
  const isMade = useRef(false)
  const form = useForm({ initialValues: { name: '' } })
  const title = `Transfer ${volumeName(volume)} to another project`
  if (made)
    return (
      <SidePanel title={title} opened={opened} onClose={onClose}>
        <KeyOnce transfer={made} />
      </SidePanel>
    )
  return (
    <SidePanelForm
      title={title}
      needs="member"
      opened={opened}
      onClose={() => {
        // The panel stays open with the key.
        if (!isMade.current) onClose()
      }}
      form={form}
      submitLabel="Offer the volume"
      onSubmit={async ({ name }) => {
        const transfer = await create.mutateAsync({ volumeId: volume.id, name: name.trim() })
        isMade.current = true
        setMade(transfer)
        invalidateKind(client, 'volume')
      }}
      asCli={({ name }) => transferCreateCli(volume.id, name)}
    >
      <Text size="sm">
        You get a key. A member of the other project who has it accepts the volume, which is then theirs with
        its data and counts in their quota. Until then nobody can use it, and you can withdraw the offer.
      </Text>
      <TextInput
        label="Name of the offer"
        description="It may stay empty."
        data-autofocus
        maxLength={255}
        {...form.getInputProps('name')}
      />
    </SidePanelForm>
  )
}

function KeyOnce({ transfer }: { transfer: NewTransfer }) {
  return (
    <Alert
      variant="light"
      color="warn"
      c="var(--mantine-color-text)"
      styles={{ title: { color: 'inherit' } }}
      icon={<IconKey />}
      title="Keep the key: it is shown only now"
    >
      <Stack gap="xs">
        <Text size="sm">Give both to a member of the other project:</Text>
        <Text size="sm">ID</Text>
        <CopyText value={transfer.id} />
        <Text size="sm">Key</Text>
        <CopyText value={transfer.key} />
        <AsCode title="Accept it there" cli={transferAcceptCli(transfer.id, transfer.key)} />
      </Stack>
    </Alert>
  )
}
