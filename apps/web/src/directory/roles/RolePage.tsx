'use client'
import type { RoleView } from '@stratolith/api/directory/roles/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { notify } from '../../kit/notify.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { assignmentDescriptor } from './assignment.descriptor.tsx'
import { roleDescriptor } from './descriptor.tsx'
import { ImpliedRoles } from './ImpliedRoles.tsx'
import { useRevoke } from './use-revoke.tsx'
import { useRoleActions } from './use-role-actions.tsx'

const NameForm = lazyPanel(() => import('../../kit/NameForm.tsx').then((module) => module.NameForm))

const assigned = assignmentDescriptor(['holder', 'place', 'reach'], {
  title: 'Nobody has this role',
  text: 'Give the role to a user or a group on the page of a project or of a domain.',
})

export function RolePage({ id }: { id: string }) {
  const trpc = useTRPC()
  const role = useQuery(trpc.directory.roles.get.queryOptions({ id }))
  return <Loaded query={role}>{(view) => <Detail role={view} />}</Loaded>
}

function Detail({ role }: { role: RoleView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const panel = useUrlPanel('edit')
  const update = useMutation(trpc.directory.roles.update.mutationOptions())
  return (
    <>
      <DetailPage
        descriptor={roleDescriptor}
        view={role}
        actions={useRoleActions()}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Columns
                side={
                  <Section title="Facts">
                    <Facts items={roleDescriptor.facts?.(role) ?? []} />
                  </Section>
                }
              >
                <ImpliedRoles role={role} />
              </Columns>
            ),
          },
          { id: 'assignments', label: 'Who has it', content: <Assigned roleId={role.id} /> },
        ]}
      />
      {panel.opened && (
        <NameForm
          needs={role.domainId === null ? 'admin' : { domainId: role.domainId }}
          title={`Edit ${role.name}`}
          opened
          onClose={panel.close}
          initial={role}
          submitLabel="Save"
          asCli={({ name, description }) =>
            shellLine(
              'openstack',
              'role',
              'set',
              ...(name === role.name ? [] : ['--name', name]),
              '--description',
              description,
              role.name,
            )
          }
          onSubmit={async (values) => {
            await update.mutateAsync({ id: role.id, ...values })
            invalidateKind(client, 'role')
            notify.done(`Saved ${values.name}`)
          }}
        />
      )}
    </>
  )
}

function Assigned({ roleId }: { roleId: string }) {
  const trpc = useTRPC()
  const revoke = useRevoke()
  return (
    <ResourceTable
      descriptor={assigned}
      searchable={false}
      actions={[revoke]}
      query={(page) => trpc.directory.assignments.list.queryOptions({ ...page, roleId })}
    />
  )
}
