'use client'
import type { DomainView } from '@stratolith/api/directory/projects/contract'
import { IconPencil, IconPlayerPlay, IconPlayerStop, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

export function useDomainActions(edit: (domain: DomainView) => void): ResourceAction<DomainView>[] {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const update = useMutation(trpc.directory.domains.update.mutationOptions())
  const remove = useMutation(trpc.directory.domains.delete.mutationOptions())
  return [
    { id: 'edit', label: 'Edit', icon: <IconPencil size={16} />, allowed: admin, open: edit },
    {
      id: 'disable',
      opposite: 'enable',
      label: 'Disable',
      icon: <IconPlayerStop size={16} />,
      danger: true,
      allowed: (view) => all(admin(), view.enabled || 'It is disabled.'),
      confirm: ([one]) => ({
        title: `Disable ${one?.name ?? ''}?`,
        body: 'Its users are signed out at once, and nobody can work in its projects until it is enabled again. Instances go on running.',
        confirmLabel: 'Disable',
      }),
      run: ({ id }) => update.mutateAsync({ id, enabled: false }),
      started: ([one]) => `Disabled ${one?.name ?? ''}`,
      asCli: ({ name }) => shellLine('openstack', 'domain', 'set', '--disable', name),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: (view) =>
        all(
          admin(),
          view.id !== 'default' || 'The first domain stays.',
          !view.enabled || 'Disable it first: that shows who still needs it.',
        ),
      confirm: ([one]) => ({
        title: `Delete ${one?.name ?? ''}?`,
        body: 'Its users, groups and role assignments are deleted with it, and cannot be brought back.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: ([one]) => `Deleted ${one?.name ?? ''}`,
      asCli: ({ name }) => shellLine('openstack', 'domain', 'delete', name),
    },
    {
      id: 'enable',
      opposite: 'disable',
      label: 'Enable',
      icon: <IconPlayerPlay size={16} />,
      allowed: (view) => all(admin(), !view.enabled || 'It is enabled.'),
      run: ({ id }) => update.mutateAsync({ id, enabled: true }),
      started: ([one]) => `Enabled ${one?.name ?? ''}`,
      asCli: ({ name }) => shellLine('openstack', 'domain', 'set', '--enable', name),
    },
  ]
}
