'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { typeDescriptor } from './descriptor.tsx'
import { typeList } from './list.ts'
import { useTypeActions } from './use-type-actions.tsx'

const TypeCreateForm = lazyPanel(() => import('./TypeCreateForm.tsx').then((module) => module.TypeCreateForm))

export function TypesPage() {
  const admin = useAdminOnly()
  const panel = useUrlPanel('create')
  const { actions, panels } = useTypeActions()
  return (
    <>
      <PageHeader
        title="Volume types"
        description="The kinds of volumes that projects choose among: how fast they are, and where they lie."
        actions={<MainAction label="Create volume type" allowed={admin()} to={{ onClick: panel.open }} />}
      />
      <ResourceTable descriptor={typeDescriptor} actions={actions} query={typeList} />
      {panels}
      <TypeCreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
