'use client'
import { Switch, Text } from '@mantine/core'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { useAdminOnly } from '../../kit/rights.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'

/** The switch that lets new volumes of a type be encrypted, which the api refuses while volumes have the type. */
export function TypeEncryption({ type }: { type: VolumeTypeView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const allowed = useAdminOnly()()
  const encrypt = useMutation(
    trpc.volumes.types.encrypt.mutationOptions({
      onSuccess: ({ encryption }) => {
        invalidateKind(client, 'volumeType')
        notify.done(encryption ? 'New volumes are encrypted' : 'New volumes are not encrypted')
      },
    }),
  )
  return (
    <Section title="Encryption">
      <Switch
        label="Encrypt volumes"
        description="It can be changed while no volume has the type."
        checked={type.encryption !== null}
        disabled={allowed !== true || encrypt.isPending}
        onChange={({ currentTarget }) => encrypt.mutate({ id: type.id, encrypted: currentTarget.checked })}
      />
      {encrypt.error && (
        <Text size="sm" c="bad" role="alert">
          {encrypt.error.message}
        </Text>
      )}
    </Section>
  )
}
