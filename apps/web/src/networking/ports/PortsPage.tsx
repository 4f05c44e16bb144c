'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { everyones } from '../everyones.tsx'
import { portList } from './list.ts'
import { portDescriptor } from './port.descriptor.tsx'
import { usePortActions } from './port-actions.tsx'
import { portUseFilter } from './port-filter.ts'

const PortCreateForm = lazyPanel(() => import('./PortCreateForm.tsx').then((module) => module.PortCreateForm))

const none = { title: 'No ports', text: 'Nobody has anything on a network of this cloud yet.' }

/** The list of ports of the project, or of all projects. */
export function PortsPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const actions = usePortActions()
  const panel = useUrlPanel('create')
  const own = portDescriptor()
  const create = <MainAction label="Create port" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All ports' : 'Ports'}
        description={
          allProjects
            ? 'Of every project: addresses on networks, and what has them.'
            : 'Places on networks with their addresses: of instances and routers, and kept for instances to come.'
        }
        actions={allProjects ? undefined : create}
      />
      <ResourceTable
        descriptor={allProjects ? everyones(own, none) : { ...own, empty: { ...own.empty, action: create } }}
        actions={actions}
        filters={[portUseFilter]}
        query={portList(allProjects)}
      />
      {!allProjects && <PortCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}
