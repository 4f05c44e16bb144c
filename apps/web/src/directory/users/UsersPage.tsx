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
import { userDescriptor } from './descriptor.tsx'
import { useUserActions } from './use-user-actions.tsx'

const UserForm = lazyPanel(() => import('./UserForm.tsx').then((module) => module.UserForm))

export function UsersPage() {
  const trpc = useTRPC()
  const manage = useManage()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader
        title="Users"
        description="People and programs that sign in. What they may do comes from roles."
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
        query={(page, chosen) =>
          trpc.directory.users.list.queryOptions({
            ...page,
            domainId: chosen.domain,
            enabled: chosen.state === undefined ? undefined : chosen.state === 'enabled',
          })
        }
        toolbar={
          <ReasonButton leftSection={<IconPlus size={16} />} allowed={manage(null)} onClick={panel.open}>
            Create a user
          </ReasonButton>
        }
      />
      <UserForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
