'use client'
import { Text } from '@mantine/core'
import type { GroupSnapshotView, VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { groupSnapshotCan } from '@stratolith/api/volumes/groups/states'
import { IconStackPush, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useElsewhere, useLook } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'
import { inItsProject } from '../words.ts'
import { groupSnapshotDescriptor } from './group.descriptor.tsx'
import { snapshotsOfGroup } from './list.ts'
import { groupName, groupSnapshotDeleteCli, groupSnapshotLoss } from './words.ts'

const GroupFromForm = lazyPanel(() =>
  import('./GroupSnapshotForms.tsx').then((module) => module.GroupFromForm),
)

export function SnapshotsOfGroup({ group }: { group: VolumeGroupView }) {
  const trpc = useTRPC()
  const may = useMay()
  const own = !useElsewhere(group.projectId)
  const { allProjects } = useLook(group.projectId)
  const [source, setSource] = useState<GroupSnapshotView | null>(null)
  const remove = useMutation(trpc.volumes.groups.snapshots.delete.mutationOptions())
  const actions: ResourceAction<GroupSnapshotView>[] = [
    {
      id: 'from',
      label: 'Create group from it',
      icon: <IconStackPush size={16} />,
      allowed: (snapshot) => all(may(own), inItsProject(own, 'new group'), groupSnapshotCan.use(snapshot)),
      open: setSource,
    },
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: (snapshot) => all(may(own), groupSnapshotCan.delete(snapshot)),
      confirm: ([snapshot]) => ({
        title: `Delete “${snapshot ? groupName(snapshot) : ''}”?`,
        body: <Text size="sm">{groupSnapshotLoss}</Text>,
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: ([snapshot]) => `Deleting ${snapshot ? groupName(snapshot) : 'the group snapshot'}`,
      asCli: ({ id }) => groupSnapshotDeleteCli(id),
    },
  ]
  return (
    <Section
      title="Group snapshots"
      description="What all volumes of the group contained. Each volume can go back to its part, on its own page."
    >
      <ResourceTable
        descriptor={groupSnapshotDescriptor}
        actions={actions}
        query={snapshotsOfGroup(group.id, allProjects)}
        searchable={false}
      />
      {source && <GroupFromForm key={source.id} snapshot={source} opened onClose={() => setSource(null)} />}
    </Section>
  )
}
