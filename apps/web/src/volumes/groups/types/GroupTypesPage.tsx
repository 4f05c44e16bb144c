'use client'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../../kit/Loaded.tsx'
import { lazyPanel } from '../../../kit/lazy-panel.tsx'
import { MainAction } from '../../../kit/MainAction.tsx'
import { RowsTable } from '../../../kit/RowsTable.tsx'
import { useAdminOnly } from '../../../kit/rights.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { useUrlPanel } from '../../../kit/url-state.ts'
import { PageHeader } from '../../../ui/PageHeader.tsx'
import { groupTypeDescriptor } from './group-type.descriptor.tsx'
import { useGroupTypeActions } from './use-group-type-actions.tsx'

const GroupTypeCreateForm = lazyPanel(() =>
  import('./GroupTypeForms.tsx').then((module) => module.GroupTypeCreateForm),
)

export function GroupTypesPage() {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const panel = useUrlPanel('create')
  const { actions, panels } = useGroupTypeActions()
  const types = useQuery(trpc.volumes.groups.types.list.queryOptions())
  return (
    <>
      <PageHeader
        title="Volume group types"
        description="The kinds of volume groups that projects choose among."
        actions={
          <MainAction label="Create volume group type" allowed={admin()} to={{ onClick: panel.open }} />
        }
      />
      <Loaded query={types}>
        {(rows) => <RowsTable descriptor={groupTypeDescriptor} rows={rows} actions={actions} />}
      </Loaded>
      {panels}
      <GroupTypeCreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
