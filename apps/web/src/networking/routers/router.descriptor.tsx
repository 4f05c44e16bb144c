import { Anchor, Code, Group, Stack, Text } from '@mantine/core'
import type { RouterView } from '@stratolith/api/networking/contract'
import { IconRoute } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { NetState } from '../NetState.tsx'

export const routerDescriptor: ResourceDescriptor<RouterView> = {
  kind: 'router',
  noun: 'Router',
  plural: 'Routers',
  name: (router) => router.name,
  path: (router) => paths.router(router.id),
  icon: <IconRoute size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (router) => router.name,
      cell: (router) => (
        <NameCell href={paths.router(router.id)} name={router.name} detail={router.description} />
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 120,
      sort: true,
      value: (router) => router.state,
      cell: (router) => <NetState state={router.state} />,
    },
    {
      id: 'gateway',
      header: 'Gateway',
      sort: true,
      value: (router) => router.external?.address ?? null,
      cell: (router) => <Gateway router={router} />,
    },
    {
      id: 'networks',
      header: 'Networks',
      value: (router) => router.interfaces.map(({ networkName }) => networkName).join(' '),
      cell: (router) => <Networks router={router} />,
    },
    {
      id: 'created',
      header: 'Created',
      hideBelow: 'md',
      sort: true,
      value: (router) => router.createdAt,
      cell: (router) => <Ago iso={router.createdAt} />,
    },
  ],
  facts: (router) => [
    { label: 'ID', value: router.id, copy: router.id },
    { label: 'Networks joined', value: router.interfaces.length.toLocaleString('en') },
    ...(router.adminUp ? [] : [{ label: 'Switched on', value: 'No: it carries nothing' }]),
    { label: 'Created', value: <Ago iso={router.createdAt} /> },
    ...(router.description ? [{ label: 'Description', value: router.description }] : []),
  ],
  empty: {
    title: 'No routers yet',
    text: 'A router joins networks and leads them out. The starter network under Networks comes with one.',
  },
}

function Gateway({ router }: { router: RouterView }) {
  if (!router.external)
    return (
      <Text size="sm" c="dimmed">
        None
      </Text>
    )
  return (
    <Group gap={6}>
      <Code>{router.external.address}</Code>
      <Text size="xs" c="dimmed">
        {router.external.networkName}
      </Text>
    </Group>
  )
}

function Networks({ router }: { router: RouterView }) {
  if (router.interfaces.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None
      </Text>
    )
  return (
    <Stack gap={2}>
      {router.interfaces.map((one) => (
        <Anchor key={one.portId} component={Link} href={paths.network(one.networkId)} size="sm">
          {one.networkName}
        </Anchor>
      ))}
    </Stack>
  )
}
