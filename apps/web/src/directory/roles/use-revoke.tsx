'use client'
import type { AssignmentView } from '@stratolith/api/directory/roles/contract'
import { IconUserMinus } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useAdminOnly, useManage } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { holderOf, placeOf } from './assignment.descriptor.tsx'
import { grantWords } from './grant.ts'

/** The action that removes a role assignment. */
export function useRevoke(): ResourceAction<AssignmentView> {
  const trpc = useTRPC()
  const manage = useManage()
  const admin = useAdminOnly()
  const revoke = useMutation(trpc.directory.assignments.revoke.mutationOptions())
  return {
    id: 'remove',
    label: 'Take away',
    icon: <IconUserMinus size={16} />,
    danger: true,
    allowed: (view) => (view.system ? admin() : manage(view.project?.domainId ?? view.domain?.id ?? null)),
    confirm: ([one]) => ({
      title: one ? `Take ${one.role.name} away from ${holderOf(one)}?` : '',
      body: one
        ? `The role ends in ${placeOf(one)}${one.inherited ? ', for the projects below' : ''}. Sessions there end at once, unless another role keeps them.`
        : '',
      confirmLabel: 'Take away',
    }),
    run: (view) => revoke.mutateAsync(grantOf(view)),
    started: ([one]) => (one ? `${holderOf(one)} no longer has ${one.role.name} in ${placeOf(one)}` : ''),
    asCli: (view) => shellLine('openstack', 'role', 'remove', ...grantWords(grantOf(view)), view.role.name),
  }
}

const grantOf = ({ role, user, group, project, domain, system, inherited }: AssignmentView) => ({
  roleId: role.id,
  userId: user?.id,
  groupId: group?.id,
  projectId: project?.id,
  domainId: domain?.id,
  system: system ? (true as const) : undefined,
  inherited,
})
