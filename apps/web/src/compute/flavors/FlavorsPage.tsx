'use client'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { flavorDescriptor } from './descriptor.tsx'

const FlavorCreateForm = lazyPanel(() =>
  import('./FlavorCreateForm.tsx').then((module) => module.FlavorCreateForm),
)

const adminsOnly = 'Only an administrator changes the flavors of the cloud.'

export function FlavorsPage() {
  const trpc = useTRPC()
  const { isAdmin } = useSession()
  const panel = useUrlPanel('create')
  return (
    <>
      <PageHeader title="Flavors" description="The sizes that instances come in." />
      <ResourceTable
        descriptor={flavorDescriptor}
        actions={useFlavorActions(isAdmin)}
        query={(page) => trpc.compute.flavors.list.queryOptions(page)}
        toolbar={
          <ReasonButton
            leftSection={<IconPlus size={16} />}
            allowed={isAdmin || adminsOnly}
            onClick={panel.open}
          >
            Create a flavor
          </ReasonButton>
        }
      />
      <FlavorCreateForm opened={panel.opened && isAdmin} onClose={panel.close} />
    </>
  )
}

function useFlavorActions(isAdmin: boolean): ResourceAction<FlavorView>[] {
  const trpc = useTRPC()
  const remove = useMutation(trpc.compute.flavors.delete.mutationOptions())
  return [
    {
      id: 'delete',
      label: 'Delete',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: () => isAdmin || adminsOnly,
      confirm: (views) => ({
        title: views.length === 1 ? `Delete “${views[0]?.name}”?` : `Delete ${views.length} flavors?`,
        body: `${views.map((view) => view.name).join(', ')}: instances of this size go on as they are, new ones cannot be launched with it.`,
        confirmLabel: 'Delete',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: (views) =>
        views.length === 1 ? `Deleted ${views[0]?.name}` : `Deleted ${views.length} flavors`,
      asCli: ({ name }) => shellLine('openstack', 'flavor', 'delete', name),
    },
  ]
}
