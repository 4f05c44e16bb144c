'use client'
import { IconPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { everyones } from '../everyones.tsx'
import { routerDescriptor } from './router.descriptor.tsx'
import { useRouterActions } from './router-actions.tsx'

const RouterCreateForm = lazyPanel(() =>
  import('./RouterCreateForm.tsx').then((module) => module.RouterCreateForm),
)

const none = { title: 'No routers', text: 'Nobody has a router in this cloud yet.' }

export function RoutersPage({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const may = useMay()
  const actions = useRouterActions()
  const panel = useUrlPanel('create')
  const create = (
    <ReasonButton leftSection={<IconPlus size={16} />} allowed={may()} onClick={panel.open}>
      Create router
    </ReasonButton>
  )
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
        query={(page) => trpc.networking.routers.list.queryOptions({ ...page, allProjects })}
      />
      {!allProjects && <RouterCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}
