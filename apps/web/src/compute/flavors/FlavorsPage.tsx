'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useSession } from '../../kit/session.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { flavorDescriptor } from './descriptor.tsx'
import { flavorList } from './list.ts'
import { adminsOnly, useFlavorActions } from './use-flavor-actions.tsx'

const FlavorCreateForm = lazyPanel(() =>
  import('./FlavorCreateForm.tsx').then((module) => module.FlavorCreateForm),
)

export function FlavorsPage() {
  const { isAdmin } = useSession()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader
        title="Flavors"
        description="The sizes that instances come in."
        actions={
          <MainAction label="Create flavor" allowed={isAdmin || adminsOnly} to={{ onClick: panel.open }} />
        }
      />
      <ResourceTable descriptor={flavorDescriptor} actions={useFlavorActions()} query={flavorList} />
      <FlavorCreateForm opened={panel.opened && isAdmin} onClose={panel.close} />
    </>
  )
}
