'use client'
import { Button } from '@mantine/core'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { MainAction } from '../kit/MainAction.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useMay } from '../kit/rights.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { everyones } from '../networking/everyones.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { volumeList } from './list.ts'
import { DeletedVolumes } from './trash/DeletedVolumes.tsx'
import { useVolumeForms } from './use-volume-forms.tsx'
import { stateFilter } from './VolumeState.tsx'
import { allVolumesDescriptor, volumeDescriptor } from './volume.descriptor.tsx'
import { useVolumeActions } from './volume-actions.tsx'

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
            <>
              <PageLink href={paths.adminVolumeSnapshots}>Snapshots</PageLink>
              <PageLink href={paths.adminVolumeGroups}>Groups</PageLink>
              <PageLink href={paths.adminVolumeBackups}>Backups</PageLink>
              <PageLink href={paths.adminVolumeTypes}>Types</PageLink>
              <PageLink href={paths.adminVolumePools}>Pools</PageLink>
            </>
          ) : (
            <>
              <PageLink href={paths.volumeGroups}>Groups</PageLink>
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

const PageLink = ({ href, children }: { href: string; children: string }) => (
  <Button component={Link} href={href} variant="default">
    {children}
  </Button>
)
