'use client'
import { Button } from '@mantine/core'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { everyones } from '../../networking/everyones.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { DeletedBackups } from '../trash/DeletedBackups.tsx'
import { backupStateFilter } from './BackupState.tsx'
import { backupDescriptor } from './backup.descriptor.tsx'
import { useBackupActions } from './backup-actions.tsx'
import { backupList } from './list.ts'
import { useBackupForms } from './use-backup-forms.tsx'

const none = { title: 'No volume backups', text: 'No project of this cloud has a backup of a volume yet.' }

/** `allProjects`: the administrators' list of the backups of all projects. */
export function BackupsPage({ allProjects = false }: { allProjects?: boolean }) {
  const forms = useBackupForms()
  const actions = useBackupActions(forms.open)
  // A backup is made of a volume, so that an empty list leads to the volumes.
  const action = (
    <Button component={Link} href={paths.volumes} variant="default">
      Open volumes
    </Button>
  )
  return (
    <>
      <PageHeader
        title={allProjects ? 'All volume backups' : 'Volume backups'}
        description={
          allProjects
            ? 'Of the volumes of every project.'
            : 'What volumes contained, kept in the store of backups. Make one on the page of a volume.'
        }
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(backupDescriptor, none)
            : { ...backupDescriptor, empty: { ...backupDescriptor.empty, action } }
        }
        actions={actions}
        filters={[backupStateFilter]}
        query={backupList(allProjects)}
      />
      <DeletedBackups allProjects={allProjects} />
      {forms.panels}
    </>
  )
}
