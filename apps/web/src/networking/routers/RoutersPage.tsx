'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { everyones } from '../everyones.tsx'
import { routerList } from './list.ts'
import { routerDescriptor } from './router.descriptor.tsx'
import { useRouterActions } from './router-actions.tsx'

const RouterCreateForm = lazyPanel(() =>
  import('./RouterCreateForm.tsx').then((module) => module.RouterCreateForm),
)

const none = { title: 'No routers', text: 'Nobody has a router in this cloud yet.' }

export function RoutersPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const actions = useRouterActions()
  const panel = useUrlPanel('create')
  const create = <MainAction label="Create router" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All routers' : 'Routers'}
        description={
          allProjects
            ? 'Of every project, with the addresses under which they lead out.'
            : 'They join networks and lead them out of the cloud.'
        }
        actions={allProjects ? undefined : create}
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(routerDescriptor, none)
            : { ...routerDescriptor, empty: { ...routerDescriptor.empty, action: create } }
        }
        actions={actions}
        query={routerList(allProjects)}
      />
      {!allProjects && <RouterCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}
