import { Anchor, Group, Text } from '@mantine/core'
import type { AssignmentView } from '@stratolith/api/directory/roles/contract'
import { IconUser, IconUserShield, IconUsers } from '@tabler/icons-react'
import type { ColumnDef, ResourceDescriptor } from '../../kit/descriptor.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'

export function Holder({ assignment }: { assignment: AssignmentView }) {
  const { user, group } = assignment
  const holder = user ?? group
  if (!holder) return null
  return (
    <Group gap={6} wrap="nowrap">
      {user ? <IconUser size={16} aria-label="User" /> : <IconUsers size={16} aria-label="Group" />}
      <div style={{ minWidth: 0 }}>
        <Anchor
          component={Link}
          href={user ? paths.user(holder.id) : paths.group(holder.id)}
          size="sm"
          fw={600}
          style={{ overflowWrap: 'anywhere' }}
        >
          {holder.name}
        </Anchor>
        {holder.domainName !== 'Default' && (
          <Text size="xs" c="dimmed">
            {holder.domainName}
          </Text>
        )}
      </div>
    </Group>
  )
}

export function Place({ assignment }: { assignment: AssignmentView }) {
  const { project, domain, system } = assignment
  if (system) return <Text size="sm">Whole cloud</Text>
  const [href, name, detail] = project
    ? [paths.project(project.id), project.name, project.domainName]
    : [paths.domain(domain?.id ?? ''), `Domain ${domain?.name ?? ''}`, null]
  return (
    <div style={{ minWidth: 0 }}>
      <Anchor component={Link} href={href} size="sm">
        {name}
      </Anchor>
      {detail !== null && detail !== 'Default' && (
        <Text size="xs" c="dimmed">
          {detail}
        </Text>
      )}
    </div>
  )
}

export const holderOf = ({ user, group }: AssignmentView): string => user?.name ?? group?.name ?? ''
export const placeOf = ({ project, domain, system }: AssignmentView): string =>
  system ? 'the whole cloud' : (project?.name ?? `domain ${domain?.name ?? ''}`)

const reachOf = ({ inherited }: AssignmentView): string => (inherited ? 'Projects below' : 'Here')

const columns = {
  holder: {
    id: 'holder',
    header: 'Who',
    sort: true,
    value: holderOf,
    cell: (view) => <Holder assignment={view} />,
  },
  role: {
    id: 'role',
    header: 'Role',
    sort: true,
    value: ({ role }) => role.name,
    cell: (view) => (
      <Anchor component={Link} href={paths.role(view.role.id)} size="sm">
        {view.role.name}
      </Anchor>
    ),
  },
  place: {
    id: 'place',
    header: 'Where',
    sort: true,
    value: placeOf,
    cell: (view) => <Place assignment={view} />,
  },
  reach: {
    id: 'reach',
    header: 'Reach',
    value: reachOf,
    cell: reachOf,
  },
} satisfies Record<string, ColumnDef<AssignmentView>>
type ColumnId = keyof typeof columns

/** Role assignments, without the columns that the page shows already. */
export const assignmentDescriptor = (
  shown: readonly ColumnId[],
  empty: { title: string; text: string },
): ResourceDescriptor<AssignmentView> => ({
  kind: 'user',
  noun: 'Role assignment',
  plural: 'Role assignments',
  name: (view) => `${view.role.name} of ${holderOf(view)} in ${placeOf(view)}`,
  icon: <IconUserShield size={28} />,
  columns: shown.map((id) => columns[id]),
  empty,
})
