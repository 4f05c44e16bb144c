'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { useDomainFilter } from '../domain-filter.ts'
import { groupDescriptor } from './descriptor.tsx'
import { groupList } from './list.ts'
import { useGroupActions } from './use-group-actions.tsx'

const GroupForm = lazyPanel(() => import('./GroupForm.tsx').then((module) => module.GroupForm))

export function GroupsPage() {
  const manage = useManage()
  const panel = useUrlPanel('create')
  const create = <MainAction label="Create group" allowed={manage(null)} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader title="Groups" description="A group gives its roles to all its members." actions={create} />
      <ResourceTable
        descriptor={{ ...groupDescriptor, empty: { ...groupDescriptor.empty, action: create } }}
        actions={useGroupActions()}
        filters={useDomainFilter()}
        query={groupList}
      />
      <GroupForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
