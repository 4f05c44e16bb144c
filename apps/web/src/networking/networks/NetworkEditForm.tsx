'use client'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { useTRPC } from '../../kit/trpc.ts'
import { networkSetCli } from '../cli.ts'
import { NameForm } from '../NameForm.tsx'

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
