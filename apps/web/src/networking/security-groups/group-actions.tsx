'use client'
import { Text } from '@mantine/core'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { securityGroupCan } from '@stratolith/api/networking/states'
import { IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { groupDeleteCli } from '../cli.ts'

export function useGroupActions(options: { edit?: () => void } = {}): ResourceAction<SecurityGroupView>[] {
  const trpc = useTRPC()
  const navigate = useRouter()
  const may = useMay()
  const here = useSession().project?.id
  const mine = (group: SecurityGroupView) => may(group.projectId === here)
  const remove = useMutation(trpc.networking.securityGroups.delete.mutationOptions())
  const edit: ResourceAction<SecurityGroupView> = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: mine,
    open: options.edit ?? (({ id }) => navigate.push(`${paths.securityGroup(id)}?edit=1`)),
  }
  const erase: ResourceAction<SecurityGroupView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: (group) => all(mine(group), securityGroupCan.delete(group)),
    confirm: (groups) => ({
      title:
        groups.length === 1
          ? `Delete security group “${groups[0]?.name ?? ''}”?`
          : `Delete ${groups.length} security groups?`,
      body: <Text size="sm">Its rules are deleted with it, and rules of other groups that name it.</Text>,
      confirmLabel: 'Delete',
    }),
    run: (group) => remove.mutateAsync({ id: group.id }),
    started: (groups) =>
      groups.length === 1
        ? `Security group ${groups[0]?.name ?? ''} is deleted`
        : `${groups.length} security groups are deleted`,
    asCli: (group) => groupDeleteCli(group.id),
  }
  return [edit, erase]
}
