'use client'
import type { RoleView } from '@stratolith/api/directory/roles/contract'
import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useManage } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

export function useRoleActions(): ResourceAction<RoleView>[] {
  const trpc = useTRPC()
  const router = useRouter()
  const manage = useManage()
  const { isAdmin } = useSession()
  const remove = useMutation(trpc.directory.roles.delete.mutationOptions())
  const may = ({ immutable, domainId }: RoleView) =>
    all(
      domainId === null
        ? isAdmin || 'Roles of the cloud are its administrators’ business.'
        : manage(domainId),
      !immutable || 'It is built in: every policy counts on it.',
    )
  return [
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: may,
      open: ({ id }) => router.push(`${paths.role(id)}?edit=1`),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: may,
      confirm: (views) => ({
        title: views.length === 1 ? `Delete ${views[0]?.name}?` : `Delete ${views.length} roles?`,
        body: 'Everybody who has this role loses it everywhere at once.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) =>
        views.length === 1 ? `Deleted ${views[0]?.name}` : `Deleted ${views.length} roles`,
      asCli: ({ name }) => shellLine('openstack', 'role', 'delete', name),
    },
  ]
}
