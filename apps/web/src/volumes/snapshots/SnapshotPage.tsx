'use client'
import { Alert, Text } from '@mantine/core'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { KeyValues } from '../../kit/KeyValues.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useElsewhere } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useListOf, useOwnerFact } from '../../networking/everyones.tsx'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { DeletedSnapshot } from '../trash/deleted.tsx'
import { snapshotPropertySetCli, snapshotPropertyUnsetCli } from './cli.ts'
import { SnapshotState } from './SnapshotState.tsx'
import { snapshotDescriptor } from './snapshot.descriptor.tsx'
import { useSnapshotActions } from './snapshot-actions.tsx'
import { useSnapshotForms } from './use-snapshot-forms.tsx'

export function SnapshotPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const snapshot = useQuery(trpc.volumes.snapshots.get.queryOptions({ id }))
  return (
    <Loaded query={snapshot} nothing={<DeletedSnapshot id={id} projectId={null} />}>
      {(view) => <SnapshotDetail snapshot={view} />}
    </Loaded>
  )
}

function SnapshotDetail({ snapshot }: { snapshot: SnapshotView }) {
  const forms = useSnapshotForms()
  const actions = useSnapshotActions(forms.open)
  const all = { plural: 'All volume snapshots', listPath: paths.adminVolumeSnapshots }
  const back = useListOf(snapshot.projectId, all)
  return (
    <>
      <DetailPage
        descriptor={{ ...snapshotDescriptor, ...back }}
        view={snapshot}
        actions={actions}
        badge={<SnapshotState snapshot={snapshot} />}
        header={<Failure snapshot={snapshot} />}
        tabs={[
          { id: 'overview', label: 'Overview', content: <Overview snapshot={snapshot} /> },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={snapshot.id} projectId={snapshot.projectId} />,
          },
        ]}
      />
      {forms.panels}
    </>
  )
}

const ways: Partial<Record<SnapshotView['state'], string>> = {
  error: 'It keeps nothing that can be used. Delete it and take another one.',
  error_deleting: 'Choose “Delete” to try again.',
}

/** Says why the snapshot is in an error state, and what to do about that. */
function Failure({ snapshot }: { snapshot: SnapshotView }) {
  const way = ways[snapshot.state]
  if (way === undefined) return null
  return (
    <Alert
      color="bad"
      variant="light"
      icon={<IconAlertTriangle />}
      title={snapshot.error ?? 'The last operation on it has failed.'}
      role="alert"
    >
      {way}
    </Alert>
  )
}

function Overview({ snapshot }: { snapshot: SnapshotView }) {
  const owner = useOwnerFact(snapshot.projectId)
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={[...(snapshotDescriptor.facts?.(snapshot) ?? []), ...owner]} />
        </Section>
      }
    >
      {snapshot.description && (
        <Section title="Description">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {snapshot.description}
          </Text>
        </Section>
      )}
      <Metadata snapshot={snapshot} />
    </Columns>
  )
}

function Metadata({ snapshot }: { snapshot: SnapshotView }) {
  const trpc = useTRPC()
  const may = useMay()
  const own = !useElsewhere(snapshot.projectId)
  const update = useMutation(trpc.volumes.snapshots.update.mutationOptions())
  const save = (metadata: Record<string, string>) => update.mutateAsync({ id: snapshot.id, metadata })
  return (
    <KeyValues
      kind="volumeSnapshot"
      title="Metadata"
      description="Words of your own, for people and programs that look after snapshots."
      noun="Metadata item"
      plural="Metadata"
      items={snapshot.metadata}
      allowed={all(may(own), snapshot.state !== 'deleting' || 'The snapshot is being deleted.')}
      set={(key, value) => save({ ...snapshot.metadata, [key]: value })}
      remove={(key) =>
        save(Object.fromEntries(Object.entries(snapshot.metadata).filter(([other]) => other !== key)))
      }
      setCli={(key, value) => snapshotPropertySetCli(snapshot.id, key, value)}
      removeCli={(key) => snapshotPropertyUnsetCli(snapshot.id, key)}
      example={{ key: 'before', value: 'upgrade' }}
      mayBeEmpty
    />
  )
}
