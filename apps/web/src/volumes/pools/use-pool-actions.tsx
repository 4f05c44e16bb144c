'use client'
import type { PoolView } from '@stratolith/api/volumes/contract'
import { IconDoorEnter, IconDoorExit, IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'

const PoolEditForm = lazyPanel<{ pool: PoolView; opened: boolean; onClose: () => void }>(() =>
  import('./PoolEditForm.tsx').then((module) => module.PoolEditForm),
)
const isOwn = ({ isLocal }: PoolView) => !isLocal

/** The actions on a pool; `panels` is the place where their forms appear. */
export function usePoolActions(): { actions: ResourceAction<PoolView>[]; panels: ReactNode } {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const [edited, setEdited] = useState<PoolView | null>(null)
  const update = useMutation(trpc.volumes.pools.update.mutationOptions())
  const remove = useMutation(trpc.volumes.pools.delete.mutationOptions())
  const actions: ResourceAction<PoolView>[] = [
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      shown: isOwn,
      allowed: admin,
      open: setEdited,
    },
    {
      id: 'close',
      opposite: 'open',
      label: 'Close',
      icon: <IconDoorExit size={16} />,
      allowed: (pool) => all(admin(), pool.enabled || 'It is closed already.'),
      run: ({ name }) => update.mutateAsync({ name, enabled: false }),
      started: (pools) => `${pools[0]?.name} takes no new volumes`,
    },
    {
      id: 'open',
      opposite: 'close',
      label: 'Open',
      icon: <IconDoorEnter size={16} />,
      allowed: (pool) => all(admin(), !pool.enabled || 'It is open already.'),
      run: ({ name }) => update.mutateAsync({ name, enabled: true }),
      started: (pools) => `${pools[0]?.name} takes new volumes again`,
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      // The disk of a machine is there as long as the machine.
      shown: isOwn,
      allowed: (pool) => all(admin(), pool.volumes === 0 || 'Volumes lie there. Delete or move them first.'),
      confirm: (pools) => ({
        title: `Delete “${pools[0]?.name}”?`,
        body: 'The cloud forgets the pool and removes its empty folders. The place itself stays.',
        confirmLabel: 'Delete',
      }),
      run: ({ name }) => remove.mutateAsync({ name }),
      started: (pools) => `Deleted ${pools[0]?.name}`,
    },
  ]
  return {
    actions,
    panels: edited && <PoolEditForm key={edited.id} pool={edited} opened onClose={() => setEdited(null)} />,
  }
}
