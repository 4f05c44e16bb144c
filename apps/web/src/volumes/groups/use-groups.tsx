'use client'
import { Text } from '@mantine/core'
import type { VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { groupCan } from '@stratolith/api/volumes/groups/states'
import { IconCamera, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { groupDeleteCli, groupName } from './words.ts'

const forms = () => import('./GroupForms.tsx')
const GroupEditForm = lazyPanel(() => forms().then((module) => module.GroupEditForm))
const VolumesAddForm = lazyPanel(() => forms().then((module) => module.VolumesAddForm))
const GroupSnapshotForm = lazyPanel(() =>
  import('./GroupSnapshotForms.tsx').then((module) => module.GroupSnapshotForm),
)

const panelOf = { edit: GroupEditForm, add: VolumesAddForm, snapshot: GroupSnapshotForm }
type Form = keyof typeof panelOf

/** The actions on a group, and the place where their forms appear. */
export function useGroups(): { actions: ResourceAction<VolumeGroupView>[]; panels: ReactNode } {
  const trpc = useTRPC()
  const may = useMay()
  const here = useSession().project?.id
  const [asked, setAsked] = useState<{ form: Form; group: VolumeGroupView } | null>(null)
  const remove = useMutation(trpc.volumes.groups.delete.mutationOptions())
  const mine = ({ projectId }: VolumeGroupView) => may(projectId === here)
  const opening = (form: Form) => (group: VolumeGroupView) => setAsked({ form, group })
  const Panel = asked && panelOf[asked.form]
  const actions: ResourceAction<VolumeGroupView>[] = [
    {
      id: 'snapshot',
      label: 'Take snapshot',
      icon: <IconCamera size={16} />,
      next: ({ state }) => state === 'available',
      allowed: (group) =>
        all(mine(group), groupCan.snapshot({ state: group.state, volumes: group.volumes.length })),
      open: opening('snapshot'),
    },
    {
      id: 'add',
      label: 'Add volumes',
      icon: <IconPlus size={16} />,
      allowed: (group) => all(mine(group), groupCan.change(group)),
      open: opening('add'),
    },
    {
      id: 'edit',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: (group) => all(mine(group), groupCan.change(group)),
      open: opening('edit'),
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: (group) => all(mine(group), groupCan.delete(group)),
      confirm: ([group]) => ({
        title: `Delete “${group ? groupName(group) : ''}”?`,
        body: <Text size="sm">The group is gone. Its volumes stay, unless you say otherwise.</Text>,
        confirmLabel: 'Delete',
        option: {
          label: 'Delete its volumes, too',
          description: 'They can be taken back for a while, as other deleted volumes can.',
          ticked: false,
        },
      }),
      run: ({ id }, ticked) => remove.mutateAsync({ id, volumes: ticked ? 'delete' : 'keep' }),
      started: ([group]) => `Deleted ${group ? groupName(group) : 'the group'}`,
      asCli: ({ id }) => groupDeleteCli(id, false),
    },
  ]
  return {
    actions,
    panels: asked && Panel && (
      <Panel key={asked.group.id} group={asked.group} opened onClose={() => setAsked(null)} />
    ),
  }
}
