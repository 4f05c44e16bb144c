import { Badge, Group, Text } from '@mantine/core'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { IconAlertTriangle, IconShield } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'
import { opensText, ruleWarning } from '../rules.ts'

export const groupDescriptor: ResourceDescriptor<SecurityGroupView> = {
  kind: 'securityGroup',
  noun: 'Security group',
  plural: 'Security groups',
  name: (group) => group.name,
  path: (group) => paths.securityGroup(group.id),
  icon: <IconShield size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (group) => group.name,
      cell: (group) => (
        <NameCell href={paths.securityGroup(group.id)} name={group.name} detail={group.description} />
      ),
    },
    {
      id: 'open',
      header: 'Lets in',
      cell: (group) => <LetsIn group={group} />,
    },
    {
      id: 'rules',
      header: 'Rules',
      hideBelow: 'sm',
      width: 90,
      value: (group) => group.rules.length,
      cell: (group) => group.rules.length.toLocaleString('en'),
    },
    {
      id: 'used',
      header: 'Used by',
      width: 120,
      value: (group) => group.usedBy.length,
      cell: (group) => usedText(group),
    },
    {
      id: 'created',
      header: 'Created',
      hideBelow: 'md',
      sort: true,
      value: (group) => group.createdAt,
      cell: (group) => <Ago iso={group.createdAt} />,
    },
  ],
  facts: (group) => [
    { label: 'ID', value: group.id, copy: group.id },
    { label: 'Rules', value: group.rules.length.toLocaleString('en') },
    { label: 'Used by', value: usedText(group) },
    { label: 'Created', value: <Ago iso={group.createdAt} /> },
    ...(group.description ? [{ label: 'Description', value: group.description }] : []),
  ],
  empty: {
    title: 'No security groups yet',
    text: 'A security group says what may reach an instance and what it may reach.',
  },
}

function usedText({ usedBy }: Pick<SecurityGroupView, 'usedBy'>): string {
  if (usedBy.length === 0) return 'Not in use'
  const instances = new Set(usedBy.flatMap(({ instanceId }) => instanceId ?? [])).size
  return instances === 0
    ? `${usedBy.length} port${usedBy.length === 1 ? '' : 's'}`
    : `${instances} instance${instances === 1 ? '' : 's'}`
}

/** Shows in a few words what the group lets in and from whom, with a warning sign where that is risky. */
function LetsIn({ group }: { group: SecurityGroupView }) {
  const open = [...new Set(group.rules.filter((rule) => rule.direction === 'ingress').map(opensText))]
  if (open.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nothing
      </Text>
    )
  const risky = group.rules.map(ruleWarning).find((warning) => warning !== null)
  return (
    <Group gap={4}>
      {open.slice(0, 4).map((text) => (
        <Badge key={text} fw={500} maw="none" miw="max-content">
          {text}
        </Badge>
      ))}
      {open.length > 4 && (
        <Text size="xs" c="dimmed">
          and {open.length - 4} more
        </Text>
      )}
      {risky && (
        <IconAlertTriangle size={16} color="var(--mantine-color-warn-text)" role="img" aria-label={risky} />
      )}
    </Group>
  )
}
