'use client'
import { Badge, Group, Stack, Text } from '@mantine/core'
import { IconUserPlus, IconUsers } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useAdminOnly, useManage } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { assignmentDescriptor, Holder } from './assignment.descriptor.tsx'
import type { GrantPlace } from './GrantForm.tsx'
import { type InheritedRight, rightsFromElsewhere } from './rights-from-elsewhere.ts'
import { useRevoke } from './use-revoke.tsx'

const GrantForm = lazyPanel(() => import('./GrantForm.tsx').then((module) => module.GrantForm))

const given = assignmentDescriptor(['holder', 'role', 'reach'], {
  title: 'Nobody has a role here',
  text: 'Give a user or a group a role, so that they can work here.',
})
const elsewhere: ResourceDescriptor<InheritedRight> = {
  kind: 'user',
  noun: 'User',
  plural: 'Users',
  name: ({ assignment }) => assignment.user?.name ?? '',
  icon: <IconUsers size={28} />,
  columns: [
    { id: 'holder', header: 'Who', cell: ({ assignment }) => <Holder assignment={assignment} /> },
    {
      id: 'roles',
      header: 'Roles',
      cell: ({ roles }) => (
        <Group gap={4}>
          {roles.map((role) => (
            <Badge key={role} variant="default" tt="none" fw={500}>
              {role}
            </Badge>
          ))}
        </Group>
      ),
    },
  ],
  empty: { title: 'Nobody else', text: '' },
}

const many = { limit: 1000 }

/**
 * The users and groups with a role in a project, a domain or the system: first those who got the role here, then those
 * who have it from elsewhere.
 */
export function RolesAt({ place }: { place: GrantPlace }) {
  const trpc = useTRPC()
  const manage = useManage()
  const admin = useAdminOnly()
  const panel = useUrlPanel('grant')
  const revoke = useRevoke()
  const where =
    place.kind === 'project'
      ? { projectId: place.id }
      : place.kind === 'domain'
        ? { domainId: place.id }
        : { system: true as const }
  const direct = useQuery(trpc.directory.assignments.list.queryOptions({ ...where, ...many }))
  const effective = useQuery(
    trpc.directory.assignments.list.queryOptions({ ...where, ...many, effective: true }),
  )
  const others = direct.data && effective.data ? rightsFromElsewhere(direct.data, effective.data) : []
  return (
    <Stack gap="md">
      <Section
        title="Given here"
        action={
          <ReasonButton
            size="xs"
            leftSection={<IconUserPlus size={14} />}
            allowed={place.kind === 'system' ? admin() : manage(place.domainId)}
            onClick={panel.open}
          >
            Assign role
          </ReasonButton>
        }
      >
        <ResourceTable
          descriptor={given}
          searchable={false}
          actions={[revoke]}
          query={(page) => trpc.directory.assignments.list.queryOptions({ ...page, ...where })}
        />
      </Section>
      {others === 'many' && (
        <Text size="sm" c="dimmed">
          More than 1,000 rights hold here. The page Role assignments lists them all: choose this place there,
          and “Effective rights”.
        </Text>
      )}
      {others !== 'many' && others.length > 0 && (
        <Section
          title="From elsewhere"
          description="These users have rights here by a group, by a role in a place above, or by a role that implies another role."
        >
          <RowsTable descriptor={elsewhere} rows={others} label="Rights from elsewhere" />
        </Section>
      )}
      {panel.opened && <GrantForm place={place} opened onClose={panel.close} />}
    </Stack>
  )
}
