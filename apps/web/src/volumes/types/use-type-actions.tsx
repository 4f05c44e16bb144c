'use client'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { IconPencil, IconStar, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'

const TypeEditForm = lazyPanel<{ type: VolumeTypeView; opened: boolean; onClose: () => void }>(() =>
  import('./TypeEditForm.tsx').then((module) => module.TypeEditForm),
)

/** The actions on a type; `panels` is the place where their forms appear. */
export function useTypeActions(): { actions: ResourceAction<VolumeTypeView>[]; panels: ReactNode } {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const [edited, setEdited] = useState<VolumeTypeView | null>(null)
  const remove = useMutation(trpc.volumes.types.delete.mutationOptions())
  const makeDefault = useMutation(trpc.volumes.types.makeDefault.mutationOptions())
  const actions: ResourceAction<VolumeTypeView>[] = [
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: admin,
      open: setEdited,
    },
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
        body: 'A type that volumes have cannot be deleted. Its speed limits go with it, unless another type has them, too.',
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) => `Deleted ${views[0]?.name}`,
      asCli: ({ id }) => shellLine('openstack', 'volume', 'type', 'delete', id),
    },
  ]
  return {
    actions,
    panels: edited && <TypeEditForm key={edited.id} type={edited} opened onClose={() => setEdited(null)} />,
  }
}
