'use client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { notify } from '../../kit/notify.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { roleDescriptor } from './descriptor.tsx'
import { roleList } from './list.ts'
import { useRoleActions } from './use-role-actions.tsx'

const NameForm = lazyPanel(() => import('../../kit/NameForm.tsx').then((module) => module.NameForm))

export function RolesPage() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const manage = useManage()
  const { domain } = useSession()
  const panel = useUrlPanel('create')
  const create = useMutation(trpc.directory.roles.create.mutationOptions())
  return (
    <>
      <PageHeader
        title="Roles"
        description="A role says what its holders may do. The policy says what each role allows, and a role may imply other roles."
        actions={<MainAction label="Create role" allowed={manage(null)} to={{ onClick: panel.open }} />}
      />
      <ResourceTable descriptor={roleDescriptor} actions={useRoleActions()} query={roleList} />
      <NameForm
        needs={{ domainId: null }}
        title="Create role"
        opened={panel.opened}
        onClose={panel.close}
        submitLabel="Create"
        asCli={({ name, description }) =>
          shellLine(
            'openstack',
            'role',
            'create',
            ...(description ? ['--description', description] : []),
            name.trim() || 'NAME',
          )
        }
        onSubmit={async (values) => {
          const { name } = await create.mutateAsync({ ...values, domainId: domain?.id })
          invalidateKind(client, 'role')
          notify.done(`Created ${name}`)
        }}
      />
    </>
  )
}
