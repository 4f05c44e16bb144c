'use client'
import type { GroupView } from '@stratolith/api/directory/users/contract'
import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useManage } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

export function useGroupActions(): ResourceAction<GroupView>[] {
  const trpc = useTRPC()
  const router = useRouter()
  const manage = useManage()
  const remove = useMutation(trpc.directory.groups.delete.mutationOptions())
  return [
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: (view) => manage(view.domainId),
      open: ({ id }) => router.push(`${paths.group(id)}?edit=1`),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: (view) => manage(view.domainId),
      confirm: (views) => ({
        title: views.length === 1 ? `Delete ${views[0]?.name}?` : `Delete ${views.length} groups?`,
        body: 'Its members stay. They lose at once the roles that they have through this group alone.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) =>
        views.length === 1 ? `Deleted ${views[0]?.name}` : `Deleted ${views.length} groups`,
      asCli: ({ id }) => shellLine('openstack', 'group', 'delete', id),
    },
  ]
}
