'use client'
import { Badge, Stack } from '@mantine/core'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyTab } from '../../kit/lazy-part.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { groupSetCli } from '../cli.ts'
import { useListOf, useOwnerFact } from '../everyones.tsx'
import { GroupRules } from './GroupRules.tsx'
import { groupDescriptor } from './group.descriptor.tsx'
import { useGroupActions } from './group-actions.tsx'

const GroupUsers = lazyTab(() => import('./GroupUsers.tsx').then((module) => module.GroupUsers))

const NameForm = lazyPanel(() => import('../../kit/NameForm.tsx').then((module) => module.NameForm))

export function SecurityGroupPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const group = useQuery(trpc.networking.securityGroups.get.queryOptions({ id }))
  return <Loaded query={group}>{(view) => <GroupDetail group={view} />}</Loaded>
}

function GroupDetail({ group }: { group: SecurityGroupView }) {
  const trpc = useTRPC()
  const panel = useUrlPanel('edit')
  const actions = useGroupActions({ edit: panel.open })
  const back = useListOf(group.projectId, {
    plural: 'All security groups',
    listPath: paths.adminSecurityGroups,
  })
  const owner = useOwnerFact(group.projectId)
  const update = useMutation(trpc.networking.securityGroups.update.mutationOptions())
  return (
    <>
      <DetailPage
        descriptor={{ ...groupDescriptor, ...back }}
        view={group}
        actions={actions}
        description={group.description || undefined}
        badge={
          group.isDefault ? (
            <Badge variant="light" color="gray" tt="none">
              default of the project
            </Badge>
          ) : undefined
        }
        tabs={[
          { id: 'rules', label: 'Rules', content: <GroupRules group={group} /> },
          { id: 'used', label: `Used by (${group.usedBy.length})`, content: <GroupUsers group={group} /> },
          {
            id: 'facts',
            label: 'Facts',
            content: (
              <Stack gap="md">
                <Section title="Facts">
                  <Facts items={[...(groupDescriptor.facts?.(group) ?? []), ...owner]} />
                </Section>
              </Stack>
            ),
          },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={group.id} projectId={group.projectId} />,
          },
        ]}
      />
      {panel.opened && (
        <NameForm
          needs={{ projectId: group.projectId }}
          title={`Edit ${group.name}`}
          opened
          onClose={panel.close}
          initial={group}
          fixedName={group.isDefault ? 'The default group keeps its name.' : undefined}
          submitLabel="Save"
          onSubmit={(values) => update.mutateAsync({ id: group.id, ...values })}
          asCli={(values) => groupSetCli(group.id, values)}
        />
      )}
    </>
  )
}
