'use client'
import { Button } from '@mantine/core'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { everyones } from '../../networking/everyones.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { groupStateFilter } from './GroupState.tsx'
import { groupDescriptor } from './group.descriptor.tsx'
import { groupList } from './list.ts'
import { useGroups } from './use-groups.tsx'

const GroupCreateForm = lazyPanel(() => import('./GroupForms.tsx').then((module) => module.GroupCreateForm))

const none = { title: 'No volume groups', text: 'No project of this cloud has a group of volumes yet.' }

/** `allProjects`: the administrators' list of the groups of all projects. */
export function GroupsPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const panel = useUrlPanel('create')
  const { actions, panels } = useGroups()
  const create = <MainAction label="Create volume group" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All volume groups' : 'Volume groups'}
        description={
          allProjects
            ? 'Of every project.'
            : 'Volumes that belong together: a snapshot of the group keeps all of them together.'
        }
        actions={
          allProjects ? (
            <Button component={Link} href={paths.adminVolumeGroupTypes} variant="default">
              Types
            </Button>
          ) : (
            create
          )
        }
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(groupDescriptor, none)
            : { ...groupDescriptor, empty: { ...groupDescriptor.empty, action: create } }
        }
        actions={actions}
        filters={[groupStateFilter]}
        query={groupList(allProjects)}
      />
      {panels}
      {!allProjects && <GroupCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}
