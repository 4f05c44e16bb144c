'use client'
import { Group, SimpleGrid, Stack, Switch } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useUrlPanel, useUrlState } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { DomainPick, GroupPick, ProjectPick, RolePick, UserPick } from '../pickers.tsx'
import { assignmentDescriptor } from './assignment.descriptor.tsx'
import { assignmentList } from './list.ts'
import { useRevoke } from './use-revoke.tsx'

const GrantForm = lazyPanel(() => import('./GrantForm.tsx').then((module) => module.GrantForm))

const descriptor = assignmentDescriptor(['holder', 'role', 'place', 'reach'], {
  title: 'No such assignment',
  text: 'Nobody has such a role. Remove a filter, or assign a role.',
})

/** All role assignments of the cloud, or of the domain of the session. */
export function AssignmentsPage() {
  const manage = useManage()
  const revoke = useRevoke()
  const panel = useUrlPanel('grant')
  const { get, set } = useUrlState()
  const effective = get('effective') === '1'
  const filter = (key: string) => ({
    clearable: true,
    value: get(key),
    onChange: (value: string | null) => set({ [key]: value, after: null }),
  })
  return (
    <>
      <PageHeader
        title="Role assignments"
        description="This list says which users and groups have which roles in which projects, domains or the whole cloud."
        actions={
          <MainAction
            label="Assign role"
            icon={<IconUserPlus size={16} />}
            allowed={manage(null)}
            to={{ onClick: panel.open }}
          />
        }
      />
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, xs: 2, md: 5 }} spacing="sm">
          <UserPick {...filter('user')} />
          <GroupPick {...filter('group')} disabled={effective} />
          <RolePick {...filter('role')} />
          <ProjectPick {...filter('project')} />
          <DomainPick {...filter('domain')} />
        </SimpleGrid>
        <Group gap="lg">
          <Switch
            label="Effective rights"
            description="Shows every right that follows from groups, inheritance and implied roles"
            checked={effective}
            onChange={(event) =>
              set({ effective: event.currentTarget.checked ? '1' : null, group: null, after: null })
            }
          />
          <Switch
            label="On the whole cloud"
            description="Shows only roles that hold in the whole cloud"
            checked={get('system') === '1'}
            onChange={(event) => set({ system: event.currentTarget.checked ? '1' : null, after: null })}
          />
        </Group>
        <ResourceTable
          descriptor={descriptor}
          searchable={false}
          actions={effective ? [] : [revoke]}
          query={assignmentList}
        />
      </Stack>
      {panel.opened && <GrantForm opened onClose={panel.close} />}
    </>
  )
}
