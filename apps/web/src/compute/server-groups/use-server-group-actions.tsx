'use client'
import type { ServerGroupView } from '@stratolith/api/compute/contract'
import { IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { serverGroupDeleteCli } from './cli.ts'

export function useServerGroupActions(): ResourceAction<ServerGroupView>[] {
  const trpc = useTRPC()
  const may = useMay()
  const remove = useMutation(trpc.compute.serverGroups.delete.mutationOptions())
  return [
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: () => may(),
      confirm: (groups) => ({
        title:
          groups.length === 1 ? `Delete “${groups[0]?.name}”?` : `Delete ${groups.length} server groups?`,
        body: 'The instances stay where they are, and belong to no group any more.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (groups) =>
        groups.length === 1 ? `Deleted ${groups[0]?.name}` : `Deleted ${groups.length} server groups`,
      asCli: ({ id }) => serverGroupDeleteCli(id),
    },
  ]
}
