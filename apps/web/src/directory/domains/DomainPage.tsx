'use client'
import type { DomainView } from '@stratolith/api/directory/projects/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { EnabledBadge } from '../EnabledBadge.tsx'
import { groupDescriptor } from '../groups/descriptor.tsx'
import { projectDescriptor } from '../projects/descriptor.tsx'
import { RolesAt } from '../roles/RolesAt.tsx'
import { userDescriptor } from '../users/descriptor.tsx'
import { domainDescriptor } from './descriptor.tsx'
import { useDomainActions } from './use-domain-actions.tsx'

const DomainForm = lazyPanel(() => import('./DomainForm.tsx').then((module) => module.DomainForm))

export function DomainPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const domain = useQuery(trpc.directory.domains.get.queryOptions({ id }))
  return <Loaded query={domain}>{(view) => <Detail domain={view} />}</Loaded>
}

function Detail({ domain }: { domain: DomainView }) {
  const trpc = useTRPC()
  const panel = useUrlPanel('edit')
  const domainId = domain.id
  return (
    <>
      <DetailPage
        descriptor={domainDescriptor}
        view={domain}
        actions={useDomainActions(panel.open)}
        badge={<EnabledBadge enabled={domain.enabled} />}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Section title="Facts">
                <Facts items={domainDescriptor.facts?.(domain) ?? []} />
              </Section>
            ),
          },
          {
            id: 'projects',
            label: 'Projects',
            content: (
              <ResourceTable
                descriptor={projectDescriptor}
                query={(page) => trpc.directory.projects.list.queryOptions({ ...page, domainId })}
              />
            ),
          },
          {
            id: 'users',
            label: 'Users',
            content: (
              <ResourceTable
                descriptor={userDescriptor}
                query={(page) => trpc.directory.users.list.queryOptions({ ...page, domainId })}
              />
            ),
          },
          {
            id: 'groups',
            label: 'Groups',
            content: (
              <ResourceTable
                descriptor={groupDescriptor}
                query={(page) => trpc.directory.groups.list.queryOptions({ ...page, domainId })}
              />
            ),
          },
          {
            id: 'roles',
            label: 'Roles',
            content: <RolesAt place={{ kind: 'domain', id: domainId, name: domain.name, domainId }} />,
          },
        ]}
      />
      {panel.opened && <DomainForm domain={domain} opened onClose={panel.close} />}
    </>
  )
}
