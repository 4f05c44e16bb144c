'use client'
import type { KeyPairView } from '@stratolith/api/compute/contract'
import { IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

export function useKeyPairActions(): ResourceAction<KeyPairView>[] {
  const trpc = useTRPC()
  const remove = useMutation(trpc.compute.keyPairs.delete.mutationOptions())
  return [
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      // People see only their own key pairs.
      allowed: () => true,
      confirm: (views) => ({
        title: views.length === 1 ? `Delete “${views[0]?.name}”?` : `Delete ${views.length} key pairs?`,
        body: `Instances that have ${views.length === 1 ? 'it keep it' : 'them keep them'}; new ones cannot use ${views.length === 1 ? 'it' : 'them'}. Private keys are not touched.`,
        confirmLabel: 'Delete',
      }),
      run: ({ name }) => remove.mutateAsync({ name }),
      started: (views) =>
        views.length === 1 ? `Deleted ${views[0]?.name}` : `Deleted ${views.length} key pairs`,
      asCli: ({ name }) => shellLine('openstack', 'keypair', 'delete', name),
    },
  ]
}
