'use client'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

export const adminsOnly = 'Only an administrator changes the flavors of the cloud.'

export function useFlavorActions(): ResourceAction<FlavorView>[] {
  const trpc = useTRPC()
  const { isAdmin } = useSession()
  const remove = useMutation(trpc.compute.flavors.delete.mutationOptions())
  return [
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: () => isAdmin || adminsOnly,
      confirm: (views) => ({
        title: views.length === 1 ? `Delete “${views[0]?.name}”?` : `Delete ${views.length} flavors?`,
        body: `Instances of ${views.length === 1 ? 'this size' : 'these sizes'} go on as they are; new ones cannot be launched.`,
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) =>
        views.length === 1 ? `Deleted ${views[0]?.name}` : `Deleted ${views.length} flavors`,
      asCli: ({ name }) => shellLine('openstack', 'flavor', 'delete', name),
    },
  ]
}
