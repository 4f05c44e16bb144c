'use client'
import { Button } from '@mantine/core'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { everyones } from '../../networking/everyones.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { DeletedSnapshots } from '../trash/DeletedSnapshots.tsx'
import { snapshotList } from './list.ts'
import { snapshotStateFilter } from './SnapshotState.tsx'
import { snapshotDescriptor } from './snapshot.descriptor.tsx'
import { useSnapshotActions } from './snapshot-actions.tsx'
import { useSnapshotForms } from './use-snapshot-forms.tsx'

const none = {
  title: 'No volume snapshots',
  text: 'No project of this cloud has a snapshot of a volume yet.',
}

/** `allProjects`: the administrators' list of the snapshots of all projects. */
export function SnapshotsPage({ allProjects = false }: { allProjects?: boolean }) {
  const forms = useSnapshotForms()
  const actions = useSnapshotActions(forms.open)
  // A snapshot is taken of a volume, so that an empty list leads to the volumes.
  const action = (
    <Button component={Link} href={paths.volumes} variant="default">
      Open volumes
    </Button>
  )
  return (
    <>
      <PageHeader
        title={allProjects ? 'All volume snapshots' : 'Volume snapshots'}
        description={
          allProjects
            ? 'Of the volumes of every project.'
            : 'What volumes contained at one moment. Take one on the page of a volume.'
        }
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(snapshotDescriptor, none)
            : { ...snapshotDescriptor, empty: { ...snapshotDescriptor.empty, action } }
        }
        actions={actions}
        filters={[snapshotStateFilter]}
        query={snapshotList(allProjects)}
      />
      <DeletedSnapshots allProjects={allProjects} />
      {forms.panels}
    </>
  )
}
