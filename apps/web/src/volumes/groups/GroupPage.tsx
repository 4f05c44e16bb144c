'use client'
import { Alert, Text } from '@mantine/core'
import type { VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useListOf, useOwnerFact } from '../../networking/everyones.tsx'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { GroupState } from './GroupState.tsx'
import { groupDescriptor } from './group.descriptor.tsx'
import { SnapshotsOfGroup } from './SnapshotsOfGroup.tsx'
import { useGroups } from './use-groups.tsx'
import { VolumesOfGroup } from './VolumesOfGroup.tsx'

export function GroupPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const group = useQuery(trpc.volumes.groups.get.queryOptions({ id }))
  return <Loaded query={group}>{(view) => <GroupDetail group={view} />}</Loaded>
}

function GroupDetail({ group }: { group: VolumeGroupView }) {
  const { actions, panels } = useGroups()
  const back = useListOf(group.projectId, {
    plural: 'All volume groups',
    listPath: paths.adminVolumeGroups,
  })
  return (
    <>
      <DetailPage
        descriptor={{ ...groupDescriptor, ...back }}
        view={group}
        actions={actions}
        badge={<GroupState view={group} />}
        header={group.state === 'error' && <Failure group={group} />}
        tabs={[
          { id: 'overview', label: 'Overview', content: <Overview group={group} /> },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={group.id} projectId={group.projectId} />,
          },
        ]}
      />
      {panels}
    </>
  )
}

function Failure({ group }: { group: VolumeGroupView }) {
  return (
    <Alert
      color="bad"
      variant="light"
      icon={<IconAlertTriangle />}
      title={group.error ?? 'The last operation on it has failed.'}
      role="alert"
    >
      Delete the group, and make it anew.
    </Alert>
  )
}

function Overview({ group }: { group: VolumeGroupView }) {
  const owner = useOwnerFact(group.projectId)
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={[...(groupDescriptor.facts?.(group) ?? []), ...owner]} />
        </Section>
      }
    >
      {group.description && (
        <Section title="Description">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {group.description}
          </Text>
        </Section>
      )}
      <VolumesOfGroup group={group} />
      <SnapshotsOfGroup group={group} />
    </Columns>
  )
}
