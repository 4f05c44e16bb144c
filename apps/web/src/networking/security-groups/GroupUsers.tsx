'use client'
import { Anchor, Code, Text } from '@mantine/core'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { IconServer } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useLook } from '../../kit/session.ts'
import { Section } from '../../ui/Section.tsx'
import { useInstances } from '../lookups.ts'

function PortLink({ id }: { id: string }) {
  return (
    <Anchor component={Link} href={paths.port(id)} size="sm">
      {id.slice(0, 8)}
    </Anchor>
  )
}

type User = {
  id: string
  instanceId: string | null
  name: string
  address: string | null
  network: string | null
}

const userDescriptor: ResourceDescriptor<User> = {
  kind: 'securityGroup',
  noun: 'Port',
  plural: 'Ports',
  name: (user) => user.name,
  icon: <IconServer size={28} />,
  columns: [
    {
      id: 'instance',
      header: 'Instance',
      cell: (user) =>
        user.instanceId ? (
          <Anchor component={Link} href={paths.instance(user.instanceId, 'security')} size="sm" fw={600}>
            {user.name}
          </Anchor>
        ) : (
          <Text size="sm" c="dimmed">
            None
          </Text>
        ),
    },
    { id: 'address', header: 'Address', cell: (user) => (user.address ? <Code>{user.address}</Code> : '–') },
    { id: 'network', header: 'Network', cell: (user) => user.network ?? '–' },
    { id: 'port', header: 'Port', hideBelow: 'sm', cell: (user) => <PortLink id={user.id} /> },
  ],
  empty: {
    title: 'Nothing uses it',
    text: 'Choose it when you launch an instance, or on one of the ports of a network.',
  },
}

/** The list of ports whose traffic this group's rules decide about. */
export function GroupUsers({ group }: { group: SecurityGroupView }) {
  const { instances } = useInstances(useLook(group.projectId).allProjects)
  const rows = group.usedBy.map(({ portId, instanceId }): User => {
    const instance = instances.find(({ id }) => id === instanceId)
    const address = instance?.addresses.find((one) => one.portId === portId)
    return {
      id: portId,
      instanceId,
      name: instance?.name ?? instanceId ?? portId,
      address: address?.address ?? null,
      network: address?.networkName ?? null,
    }
  })
  return (
    <Section title="Used by" description="Every change of a rule applies to these at once.">
      <RowsTable descriptor={userDescriptor} rows={rows} label="Used by" />
    </Section>
  )
}
