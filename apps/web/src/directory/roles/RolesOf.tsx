'use client'
import { Stack, Switch } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel, useUrlState } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { assignmentDescriptor } from './assignment.descriptor.tsx'
import type { GrantHolder } from './GrantForm.tsx'
import { useRevoke } from './use-revoke.tsx'

const GrantForm = lazyPanel(() => import('./GrantForm.tsx').then((module) => module.GrantForm))

const given = assignmentDescriptor(['role', 'place', 'reach'], {
  title: 'No role anywhere',
  text: 'Without a role in a project, a user can sign in but do nothing.',
})
const worked = assignmentDescriptor(['role', 'place'], {
  title: 'No right anywhere',
  text: 'No role was given, and none follows from a group, from a domain or from a project above.',
})

/** The places where a user or a group has roles. */
export function RolesOf({ holder }: { holder: GrantHolder }) {
  const trpc = useTRPC()
  const manage = useManage()
  const panel = useUrlPanel('grant')
  const revoke = useRevoke()
  const { set } = useUrlState()
  const [effective, setEffective] = useState(false)
  const who = holder.kind === 'user' ? { userId: holder.id } : { groupId: holder.id }
  return (
    <Section
      title="Roles"
      description={
        effective
          ? 'These are all rights that follow from groups, inheritance and implied roles.'
          : 'These are the roles as they were given.'
      }
      action={
        <ReasonButton
          size="xs"
          leftSection={<IconUserPlus size={14} />}
          allowed={manage(null)}
          onClick={panel.open}
        >
          Assign role
        </ReasonButton>
      }
    >
      <Stack gap="sm">
        {holder.kind === 'user' && (
          <Switch
            label="Effective rights"
            checked={effective}
            onChange={(event) => {
              set({ after: null })
              setEffective(event.currentTarget.checked)
            }}
          />
        )}
        <ResourceTable
          key={String(effective)}
          descriptor={effective ? worked : given}
          searchable={false}
          actions={effective ? [] : [revoke]}
          query={(page) => trpc.directory.assignments.list.queryOptions({ ...page, ...who, effective })}
        />
      </Stack>
      {panel.opened && <GrantForm holder={holder} opened onClose={panel.close} />}
    </Section>
  )
}
