'use client'
import { IconPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { useDomainFilter } from '../domain-filter.ts'
import { groupDescriptor } from './descriptor.tsx'
import { useGroupActions } from './use-group-actions.tsx'

const GroupForm = lazyPanel(() => import('./GroupForm.tsx').then((module) => module.GroupForm))

export function GroupsPage() {
  const trpc = useTRPC()
  const manage = useManage()
  const panel = useUrlPanel('create')
  const create = (
    <ReasonButton leftSection={<IconPlus size={16} />} allowed={manage(null)} onClick={panel.open}>
      Create a group
    </ReasonButton>
  )
  return (
    <>
      <PageHeader title="Groups" description="Users who share roles: a role of the group is everybody’s." />
      <ResourceTable
        descriptor={{ ...groupDescriptor, empty: { ...groupDescriptor.empty, action: create } }}
        actions={useGroupActions()}
        filters={useDomainFilter()}
        query={(page, chosen) =>
          trpc.directory.groups.list.queryOptions({ ...page, domainId: chosen.domain })
        }
        toolbar={create}
      />
      <GroupForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
