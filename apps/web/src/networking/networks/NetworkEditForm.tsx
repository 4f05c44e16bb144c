'use client'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { NameForm } from '../../kit/NameForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { networkSetCli } from '../cli.ts'

export function NetworkEditForm({
  network,
  opened,
  onClose,
}: {
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const update = useMutation(trpc.networking.networks.update.mutationOptions())
  return (
    <NameForm
      title={`Edit ${network.name}`}
      initial={network}
      submitLabel="Save"
      opened={opened}
      onClose={onClose}
      onSubmit={(values) => update.mutateAsync({ id: network.id, ...values })}
      asCli={(values) => networkSetCli(network.id, values)}
    />
  )
}
