'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { MainAction } from '../../ui/MainAction.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { routerDescriptor } from './router.descriptor.tsx'
import { useRouterActions } from './router-actions.tsx'

const RouterCreateForm = lazyPanel(() =>
  import('./RouterCreateForm.tsx').then((module) => module.RouterCreateForm),
)

export function RoutersPage() {
  const trpc = useTRPC()
  const may = useMay()
  const actions = useRouterActions()
  const panel = useUrlPanel('create')
  const create = <MainAction label="Create router" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title="Routers"
        description="They join networks and lead them out of the cloud."
        actions={create}
      />
      <ResourceTable
        descriptor={{ ...routerDescriptor, empty: { ...routerDescriptor.empty, action: create } }}
        actions={actions}
        query={(page) => trpc.networking.routers.list.queryOptions(page)}
      />
      <RouterCreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
