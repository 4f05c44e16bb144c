'use client'
import { Anchor, Code, Text } from '@mantine/core'
import type { RouterView } from '@stratolith/api/networking/contract'
import { IconPlug, IconPlugConnectedX, IconPlus } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction, ResourceDescriptor } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { routerSubnetCli } from '../cli.ts'

const InterfaceForm = lazyPanel(() => import('./RouterForms.tsx').then((module) => module.InterfaceForm))

type Interface = RouterView['interfaces'][number] & { id: string }

const interfaceDescriptor: ResourceDescriptor<Interface> = {
  kind: 'router',
  noun: 'Interface',
  plural: 'Interfaces',
  name: (one) => `${one.networkName} ${one.cidr}`,
  icon: <IconPlug size={28} />,
  columns: [
    {
      id: 'network',
      header: 'Network',
      cell: (one) => (
        <Anchor component={Link} href={paths.network(one.networkId)} size="sm" fw={600}>
          {one.networkName}
        </Anchor>
      ),
    },
    { id: 'subnet', header: 'Subnet', cell: (one) => <Code>{one.cidr}</Code> },
    { id: 'address', header: 'Address of the router', cell: (one) => <Code>{one.address}</Code> },
  ],
  empty: {
    title: 'It joins no network yet',
    text: 'Attach the subnets whose instances shall reach each other and the outside.',
  },
}

export function RouterInterfaces({ router }: { router: RouterView }) {
  const trpc = useTRPC()
  const may = useMay()
  const mine = useSession().project?.id === router.projectId
  const panel = useUrlPanel('attach')
  const remove = useMutation(trpc.networking.routers.removeInterface.mutationOptions())
  const detach: ResourceAction<Interface> = {
    id: 'detach',
    label: 'Detach',
    icon: <IconPlugConnectedX size={16} />,
    danger: true,
    allowed: () => may(mine),
    confirm: ([one]) => ({
      title: `Detach ${one?.networkName ?? ''} (${one?.cidr ?? ''})?`,
      body: (
        <Text size="sm">
          Its instances no longer reach the other networks and the outside through this router.
        </Text>
      ),
      confirmLabel: 'Detach',
    }),
    run: (one) => remove.mutateAsync({ id: router.id, subnetId: one.subnetId }),
    started: ([one]) => `Detaching ${one?.networkName ?? ''}`,
    asCli: (one) => routerSubnetCli('remove', router.id, one.subnetId),
  }
  const add = (
    <ReasonButton
      size="xs"
      variant="default"
      leftSection={<IconPlus size={14} />}
      allowed={router.state === 'deleting' ? 'It is being deleted.' : may(mine)}
      onClick={panel.open}
    >
      Attach subnet
    </ReasonButton>
  )
  return (
    <Section title="Interfaces" description="The subnets that this router joins." action={add}>
      <RowsTable
        descriptor={interfaceDescriptor}
        rows={router.interfaces.map((one) => ({ ...one, id: `${one.portId}/${one.subnetId}` }))}
        actions={[detach]}
      />
      <InterfaceForm router={router} opened={panel.opened} onClose={panel.close} />
    </Section>
  )
}
