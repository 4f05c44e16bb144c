'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { serverGroupDescriptor } from './descriptor.tsx'
import { serverGroupList } from './list.ts'
import { useServerGroupActions } from './use-server-group-actions.tsx'

const CreateForm = lazyPanel(() => import('./ServerGroupCreateForm.tsx').then((m) => m.ServerGroupCreateForm))

export function ServerGroupsPage() {
  const may = useMay()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader
        title="Server groups"
        description="Which instances share a host, and which must not."
        actions={<MainAction label="Create server group" allowed={may()} to={{ onClick: panel.open }} />}
      />
      <ResourceTable
        descriptor={serverGroupDescriptor}
        actions={useServerGroupActions()}
        query={serverGroupList}
      />
      <CreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
