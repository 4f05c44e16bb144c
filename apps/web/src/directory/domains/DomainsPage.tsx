'use client'
import { IconPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { domainDescriptor } from './descriptor.tsx'
import { useDomainActions } from './use-domain-actions.tsx'

const DomainForm = lazyPanel(() => import('./DomainForm.tsx').then((module) => module.DomainForm))

export function DomainsPage() {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const router = useRouter()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader
        title="Domains"
        description="Customers or departments: each has its own projects, users and groups, and maybe its own administrator."
      />
      <ResourceTable
        descriptor={domainDescriptor}
        actions={useDomainActions(({ id }) => router.push(`${paths.domain(id)}?edit=1`))}
        query={(page) => trpc.directory.domains.list.queryOptions(page)}
        toolbar={
          <ReasonButton leftSection={<IconPlus size={16} />} allowed={admin()} onClick={panel.open}>
            Create a domain
          </ReasonButton>
        }
      />
      <DomainForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
