'use client'
import type { GroupView } from '@stratolith/api/directory/users/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyTab } from '../../kit/lazy-part.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { groupDescriptor } from './descriptor.tsx'
import { MembersOf } from './MembersOf.tsx'
import { useGroupActions } from './use-group-actions.tsx'

const RolesOf = lazyTab(() => import('../roles/RolesOf.tsx').then((module) => module.RolesOf))

const GroupForm = lazyPanel(() => import('./GroupForm.tsx').then((module) => module.GroupForm))

export function GroupPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const group = useQuery(trpc.directory.groups.get.queryOptions({ id }))
  return <Loaded query={group}>{(view) => <Detail group={view} />}</Loaded>
}

function Detail({ group }: { group: GroupView }) {
  const panel = useUrlPanel('edit')
  return (
    <>
      <DetailPage
        descriptor={groupDescriptor}
        view={group}
        actions={useGroupActions()}
        tabs={[
          { id: 'members', label: 'Members', content: <MembersOf group={group} /> },
          { id: 'roles', label: 'Roles', content: <RolesOf holder={{ kind: 'group', ...group }} /> },
          {
            id: 'facts',
            label: 'Facts',
            content: (
              <Section title="Facts">
                <Facts items={groupDescriptor.facts?.(group) ?? []} />
              </Section>
            ),
          },
        ]}
      />
      {panel.opened && <GroupForm group={group} opened onClose={panel.close} />}
    </>
  )
}
