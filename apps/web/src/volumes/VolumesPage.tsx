'use client'
import { Button } from '@mantine/core'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { lazyPart } from '../kit/lazy-part.tsx'
import { MainAction } from '../kit/MainAction.tsx'
import { Link } from '../kit/navigation.tsx'
import { PageLinks } from '../kit/PageLinks.tsx'
import { paths } from '../kit/paths.ts'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useMay } from '../kit/rights.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { everyones } from '../networking/everyones.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { volumeList } from './list.ts'
import { useVolumeForms } from './use-volume-forms.tsx'
import { stateFilter } from './VolumeState.tsx'
import { allVolumesDescriptor, volumeDescriptor } from './volume.descriptor.tsx'
import { useVolumeActions } from './volume-actions.tsx'

const DeletedVolumes = lazyPart<{ allProjects: boolean }>(() =>
  import('./trash/DeletedVolumes.tsx').then((module) => module.DeletedVolumes),
)
const VolumeCreateForm = lazyPanel(() =>
  import('./VolumeCreateForm.tsx').then((module) => module.VolumeCreateForm),
)

const TransferAcceptForm = lazyPanel(() =>
  import('./TransferAcceptForm.tsx').then((module) => module.TransferAcceptForm),
)

const none = { title: 'No volumes', text: 'No project of this cloud has a volume yet.' }

/** `allProjects`: the administrators' list of the volumes of all projects. */
export function VolumesPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const forms = useVolumeForms()
  const actions = useVolumeActions(forms.open)
  const panel = useUrlPanel('create')
  const accepting = useUrlPanel('accept')
  const create = <MainAction label="Create volume" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All volumes' : 'Volumes'}
        description={
          allProjects
            ? 'Of every project, with the pools in which they lie.'
            : 'Disks that are attached to instances, and stay when those are deleted.'
        }
        actions={
          allProjects ? (
            <PageLinks
              label="Pages about volumes"
              links={[
                { label: 'Snapshots', href: paths.adminVolumeSnapshots },
                { label: 'Groups', href: paths.adminVolumeGroups },
                { label: 'Backups', href: paths.adminVolumeBackups },
                { label: 'Types', href: paths.adminVolumeTypes },
                { label: 'Pools', href: paths.adminVolumePools },
              ]}
            />
          ) : (
            <>
              <Button component={Link} href={paths.volumeGroups} variant="default">
                Groups
              </Button>
              <ReasonButton variant="default" allowed={may()} onClick={accepting.open}>
                Accept a volume
              </ReasonButton>
              {create}
            </>
          )
        }
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(allVolumesDescriptor, none)
            : { ...volumeDescriptor, empty: { ...volumeDescriptor.empty, action: create } }
        }
        actions={actions}
        filters={[stateFilter]}
        query={volumeList(allProjects)}
      />
      <DeletedVolumes allProjects={allProjects} />
      {forms.panels}
      {!allProjects && <TransferAcceptForm opened={accepting.opened} onClose={accepting.close} />}
      {!allProjects && <VolumeCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}
