'use client'
import { Stack, Text } from '@mantine/core'
import type { PoolView } from '@stratolith/api/volumes/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { gib } from '../../kit/format.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { everyones } from '../../networking/everyones.tsx'
import { Bar } from '../../ui/Bar.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { volumeDescriptor } from '../volume.descriptor.tsx'
import { poolDescriptor } from './descriptor.tsx'
import { LostVolumes } from './LostVolumes.tsx'
import { volumesOfPool } from './list.ts'
import { PoolReach } from './PoolReach.tsx'
import { UnknownVolumes } from './UnknownVolumes.tsx'
import { usePoolActions } from './use-pool-actions.tsx'

export function PoolPage({ name }: { name: string }) {
  const trpc = useTRPC()
  const pool = useQuery(trpc.volumes.pools.get.queryOptions({ name }))
  const { actions, panels } = usePoolActions()
  return (
    <Loaded query={pool}>
      {(view) => (
        <>
          <DetailPage
            descriptor={poolDescriptor}
            view={view}
            actions={actions}
            tabs={[{ id: 'overview', label: 'Overview', content: <Overview pool={view} /> }]}
          />
          {panels}
        </>
      )}
    </Loaded>
  )
}

const none = { title: 'No volumes', text: 'No volume of any project lies in this pool.' }

const everywhere = everyones(volumeDescriptor, none)
/** Beside the facts there is less room than on a page of its own. */
const hidden: Record<string, 'sm' | 'xl'> = { project: 'sm', attached: 'xl' }
const volumesHere: typeof volumeDescriptor = {
  ...everywhere,
  columns: everywhere.columns.map((column) => ({
    ...column,
    hideBelow: hidden[column.id] ?? column.hideBelow,
  })),
}

function Overview({ pool }: { pool: PoolView }) {
  const { isAdmin } = useSession()
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={poolDescriptor.facts?.(pool) ?? []} />
        </Section>
      }
    >
      <Section title="Room">
        <Stack gap="sm">
          {pool.isLocal && (
            <Bar
              used={pool.usedGib}
              limit={pool.totalGib}
              label="Promised to instances, volumes and snapshots"
              format={gib}
            />
          )}
          <Bar
            used={pool.volumesGib}
            limit={pool.totalGib}
            label="Promised to volumes and snapshots"
            format={gib}
          />
          <Text size="xs" c="dimmed">
            What is promised, not what is written: a volume takes room on the disk as it is filled.
          </Text>
        </Stack>
      </Section>
      {isAdmin && <PoolReach name={pool.name} />}
      <Section title="Volumes in this pool">
        <ResourceTable descriptor={volumesHere} query={volumesOfPool(pool.name)} />
      </Section>
      {isAdmin && <LostVolumes pool={pool.name} />}
      {isAdmin && <UnknownVolumes pool={pool.name} />}
    </Columns>
  )
}
