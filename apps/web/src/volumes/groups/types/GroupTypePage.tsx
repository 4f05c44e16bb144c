'use client'
import type { VolumeGroupTypeView } from '@stratolith/api/volumes/groups/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../../kit/DetailPage.tsx'
import { KeyValues } from '../../../kit/KeyValues.tsx'
import { Loaded } from '../../../kit/Loaded.tsx'
import { useAdminOnly } from '../../../kit/rights.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { Columns } from '../../../ui/Columns.tsx'
import { Facts } from '../../../ui/Fact.tsx'
import { Section } from '../../../ui/Section.tsx'
import { groupSpecSetCli, groupSpecUnsetCli } from './cli.ts'
import { groupTypeDescriptor } from './group-type.descriptor.tsx'
import { useGroupTypeActions } from './use-group-type-actions.tsx'

export function GroupTypePage({ id }: { id: string }) {
  const trpc = useTRPC()
  const type = useQuery(trpc.volumes.groups.types.get.queryOptions({ id }))
  const { actions, panels } = useGroupTypeActions()
  return (
    <Loaded query={type}>
      {(view) => (
        <>
          <DetailPage
            descriptor={groupTypeDescriptor}
            view={view}
            actions={actions}
            tabs={[{ id: 'overview', label: 'Overview', content: <Overview type={view} /> }]}
          />
          {panels}
        </>
      )}
    </Loaded>
  )
}

function Overview({ type }: { type: VolumeGroupTypeView }) {
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts
            items={[
              { label: 'ID', value: type.id, copy: type.id },
              { label: 'For', value: type.public ? 'everybody' : 'administrators' },
              { label: 'Default', value: type.isDefault ? 'Yes' : 'No' },
              ...(type.description ? [{ label: 'Description', value: type.description }] : []),
            ]}
          />
        </Section>
      }
    >
      <Specs type={type} />
    </Columns>
  )
}

function Specs({ type: { id, specs } }: { type: VolumeGroupTypeView }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const set = useMutation(trpc.volumes.groups.types.setSpec.mutationOptions())
  const remove = useMutation(trpc.volumes.groups.types.removeSpec.mutationOptions())
  return (
    <KeyValues
      kind="volumeGroupType"
      title="Group specs"
      description="Words for OpenStack’s clients. They change nothing here: this cloud keeps the volumes of each instance at one instant, whatever the specs say."
      noun="Group spec"
      plural="Group specs"
      items={specs}
      allowed={admin()}
      set={(key, value) => set.mutateAsync({ id, key, value })}
      remove={(key) => remove.mutateAsync({ id, key })}
      setCli={(key, value) => groupSpecSetCli(id, key, value)}
      removeCli={(key) => groupSpecUnsetCli(id, key)}
      example={{ key: 'owner', value: 'database-team' }}
    />
  )
}
