'use client'
import type { VolumeGroupTypeView } from '@stratolith/api/volumes/groups/contract'
import { IconPencil, IconStar, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { ResourceAction } from '../../../kit/descriptor.ts'
import { lazyPanel } from '../../../kit/lazy-panel.tsx'
import { all, useAdminOnly } from '../../../kit/rights.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { groupTypeDeleteCli } from './cli.ts'

const GroupTypeEditForm = lazyPanel<{ type: VolumeGroupTypeView; opened: boolean; onClose: () => void }>(() =>
  import('./GroupTypeForms.tsx').then((module) => module.GroupTypeEditForm),
)

/** The actions on a type of groups; `panels` is the place where their forms appear. */
export function useGroupTypeActions(): { actions: ResourceAction<VolumeGroupTypeView>[]; panels: ReactNode } {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const [edited, setEdited] = useState<VolumeGroupTypeView | null>(null)
  const remove = useMutation(trpc.volumes.groups.types.delete.mutationOptions())
  const makeDefault = useMutation(trpc.volumes.groups.types.makeDefault.mutationOptions())
  const actions: ResourceAction<VolumeGroupTypeView>[] = [
    { id: 'edit', label: 'Edit', icon: <IconPencil size={16} />, allowed: admin, open: setEdited },
    {
      id: 'make-default',
      label: 'Make default',
      icon: <IconStar size={16} />,
      allowed: (view) =>
        all(
          admin(),
          !view.isDefault || 'It is the default already.',
          view.public || 'Only a type for everybody can be the default.',
        ),
      run: ({ id }) => makeDefault.mutateAsync({ id }),
      started: (views) => `${views[0]?.name} is the default now`,
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: (view) =>
        all(admin(), !view.isDefault || 'It is the default. Make another type the default first.'),
      confirm: (views) => ({
        title: `Delete “${views[0]?.name}”?`,
        body: 'A type that groups have cannot be deleted.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) => `Deleted ${views[0]?.name}`,
      asCli: ({ id }) => groupTypeDeleteCli(id),
    },
  ]
  return {
    actions,
    panels: edited && (
      <GroupTypeEditForm key={edited.id} type={edited} opened onClose={() => setEdited(null)} />
    ),
  }
}
