'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { useDomainFilter } from '../domain-filter.ts'
import { userDescriptor } from './descriptor.tsx'
import { userList } from './list.ts'
import { useUserActions } from './use-user-actions.tsx'

const UserForm = lazyPanel(() => import('./UserForm.tsx').then((module) => module.UserForm))

export function UsersPage() {
  const manage = useManage()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader
        title="Users"
        description="People and programs that sign in. What they may do comes from roles."
        actions={<MainAction label="Create user" allowed={manage(null)} to={{ onClick: panel.open }} />}
      />
      <ResourceTable
        descriptor={userDescriptor}
        actions={useUserActions()}
        filters={[
          ...useDomainFilter(),
          {
            id: 'state',
            label: 'State',
            options: [
              { value: 'enabled', label: 'Enabled' },
              { value: 'disabled', label: 'Disabled' },
            ],
          },
        ]}
        query={userList}
      />
      <UserForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
