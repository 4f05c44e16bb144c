'use client'
import { IconPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
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
        actions={
          <ReasonButton allowed={may()} leftSection={<IconPlus size={16} />} onClick={panel.open}>
            Create server group
          </ReasonButton>
        }
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
