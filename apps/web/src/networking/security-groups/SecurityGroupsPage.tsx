'use client'
import { useMutation } from '@tanstack/react-query'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { groupCreateCli } from '../cli.ts'
import { everyones } from '../everyones.tsx'
import { groupDescriptor } from './group.descriptor.tsx'
import { useGroupActions } from './group-actions.tsx'
import { securityGroupList } from './list.ts'

const NameForm = lazyPanel(() => import('../../kit/NameForm.tsx').then((module) => module.NameForm))

const none = { title: 'No security groups', text: 'No project has one yet.' }

export function SecurityGroupsPage({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const may = useMay()
  const navigate = useRouter()
  const actions = useGroupActions()
  const panel = useUrlPanel('create')
  const create = useMutation(trpc.networking.securityGroups.create.mutationOptions())
  const button = <MainAction label="Create security group" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All security groups' : 'Security groups'}
        description={
          allProjects
            ? 'Of every project, with what they let in.'
            : 'What may reach an instance, and what it may reach. What no rule lets through is dropped.'
        }
        actions={allProjects ? undefined : button}
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(groupDescriptor, none)
            : { ...groupDescriptor, empty: { ...groupDescriptor.empty, action: button } }
        }
        actions={actions}
        query={securityGroupList(allProjects)}
      />
      <NameForm
        needs="member"
        title="Create security group"
        opened={panel.opened && !allProjects}
        onClose={panel.close}
        submitLabel="Create"
        onSubmit={async (values) => {
          const group = await create.mutateAsync(values)
          notify.done(`Security group ${group.name} is made: everything out, nothing in yet`)
          return () => navigate.push(paths.securityGroup(group.id))
        }}
        asCli={groupCreateCli}
      />
    </>
  )
}
