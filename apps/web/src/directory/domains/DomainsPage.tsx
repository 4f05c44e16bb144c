'use client'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { domainDescriptor } from './descriptor.tsx'
import { domainList } from './list.ts'
import { useDomainActions } from './use-domain-actions.tsx'

const DomainForm = lazyPanel(() => import('./DomainForm.tsx').then((module) => module.DomainForm))

export function DomainsPage() {
  const admin = useAdminOnly()
  const router = useRouter()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader
        title="Domains"
        description="Customers or departments: each has its own projects, users and groups, and maybe its own administrator."
        actions={<MainAction label="Create domain" allowed={admin()} to={{ onClick: panel.open }} />}
      />
      <ResourceTable
        descriptor={domainDescriptor}
        actions={useDomainActions(({ id }) => router.push(`${paths.domain(id)}?edit=1`))}
        query={domainList}
      />
      <DomainForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
