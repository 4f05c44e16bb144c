'use client'
import { Text } from '@mantine/core'
import type { GroupVolumeView, VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { groupCan } from '@stratolith/api/volumes/groups/states'
import { IconMinus } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useElsewhere } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'
import { memberDescriptor } from './group.descriptor.tsx'
import { groupName, groupVolumesCli } from './words.ts'

/** The volumes of a group, each with the way out of the group. */
export function VolumesOfGroup({ group }: { group: VolumeGroupView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const may = useMay()
  const own = !useElsewhere(group.projectId)
  const update = useMutation(trpc.volumes.groups.update.mutationOptions())
  const actions: ResourceAction<GroupVolumeView>[] = [
    {
      id: 'remove',
      label: 'Take out of the group',
      icon: <IconMinus size={16} />,
      allowed: () => all(may(own), groupCan.change(group)),
      run: async ({ id }) => {
        await update.mutateAsync({ id: group.id, remove: [id] })
        invalidateKind(client, 'volumeGroup')
      },
      started: ([volume]) => `Took ${volume ? groupName(volume) : 'the volume'} out of ${groupName(group)}`,
      asCli: ({ id }) => groupVolumesCli(group.id, [id], true),
    },
  ]
  return (
    <Section
      title="Volumes"
      description="They are deleted, given to other projects or another type, and moved to another pool only outside of the group."
    >
      <RowsTable
        descriptor={memberDescriptor}
        label="Volumes of the group"
        rows={group.volumes}
        actions={actions}
        empty={
          <Text size="sm" c="dimmed">
            None. Add volumes that belong together.
          </Text>
        }
      />
    </Section>
  )
}
