'use client'
import { Alert, Text } from '@mantine/core'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { KeyValues } from '../../kit/KeyValues.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useElsewhere } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useListOf, useOwnerFact } from '../../networking/everyones.tsx'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { CopyProgress } from '../CopyProgress.tsx'
import { DeletedBackup } from '../trash/deleted.tsx'
import { BackupState } from './BackupState.tsx'
import { backupDescriptor } from './backup.descriptor.tsx'
import { useBackupActions } from './backup-actions.tsx'
import { useBackupForms } from './use-backup-forms.tsx'

export function BackupPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const backup = useQuery(trpc.volumes.backups.get.queryOptions({ id }))
  return (
    <Loaded query={backup} nothing={<DeletedBackup id={id} projectId={null} />}>
      {(view) => <BackupDetail backup={view} />}
    </Loaded>
  )
}

function BackupDetail({ backup }: { backup: BackupView }) {
  const forms = useBackupForms()
  const actions = useBackupActions(forms.open)
  const all = { plural: 'All volume backups', listPath: paths.adminVolumeBackups }
  const back = useListOf(backup.projectId, all)
  return (
    <>
      <DetailPage
        descriptor={{ ...backupDescriptor, ...back }}
        view={backup}
        actions={actions}
        badge={<BackupState backup={backup} />}
        header={<Failure backup={backup} />}
        tabs={[
          { id: 'overview', label: 'Overview', content: <Overview backup={backup} /> },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={backup.id} projectId={backup.projectId} />,
          },
        ]}
      />
      {forms.panels}
    </>
  )
}

const ways: Partial<Record<BackupView['state'], string>> = {
  error: 'It contains nothing that can be restored. Delete it and make another one.',
  error_deleting: 'Choose “Delete” to try again.',
}

/** Says why the backup is in an error state, and what to do about that. */
function Failure({ backup }: { backup: BackupView }) {
  const way = ways[backup.state]
  if (way === undefined) return null
  return (
    <Alert
      color="bad"
      variant="light"
      icon={<IconAlertTriangle />}
      title={backup.error ?? 'The last operation on it has failed.'}
      role="alert"
    >
      {way}
    </Alert>
  )
}

function Overview({ backup }: { backup: BackupView }) {
  const owner = useOwnerFact(backup.projectId)
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={[...(backupDescriptor.facts?.(backup) ?? []), ...owner]} />
        </Section>
      }
    >
      {backup.state === 'creating' && (
        <CopyProgress
          resourceId={backup.id}
          projectId={backup.projectId}
          title="Backing up"
          description="It goes on when you leave this page. “Stop” ends it."
          label="How much is backed up"
          stopping="Stopping the backup"
          waits={backup.snapshotId === null ? 'It will contain what the volume has then.' : undefined}
        />
      )}
      {backup.description && (
        <Section title="Description">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {backup.description}
          </Text>
        </Section>
      )}
      <Metadata backup={backup} />
    </Columns>
  )
}

const backupSet = (...words: string[]): string =>
  shellLine('openstack', '--os-volume-api-version', '3.43', 'volume', 'backup', ...words)

function Metadata({ backup }: { backup: BackupView }) {
  const trpc = useTRPC()
  const may = useMay()
  const own = !useElsewhere(backup.projectId)
  const update = useMutation(trpc.volumes.backups.update.mutationOptions())
  const save = (metadata: Record<string, string>) => update.mutateAsync({ id: backup.id, metadata })
  return (
    <KeyValues
      kind="volumeBackup"
      title="Metadata"
      description="Words of your own, for people and programs that look after backups."
      noun="Metadata item"
      plural="Metadata"
      items={backup.metadata}
      allowed={all(may(own), backup.state !== 'deleting' || 'The backup is being deleted.')}
      set={(key, value) => save({ ...backup.metadata, [key]: value })}
      remove={(key) =>
        save(Object.fromEntries(Object.entries(backup.metadata).filter(([other]) => other !== key)))
      }
      setCli={(key, value) => backupSet('set', '--property', `${key}=${value}`, backup.id)}
      removeCli={(key) => backupSet('unset', '--property', key, backup.id)}
      example={{ key: 'before', value: 'upgrade' }}
      mayBeEmpty
    />
  )
}
