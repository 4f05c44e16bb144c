'use client'
import { Text } from '@mantine/core'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { networkCan } from '@stratolith/api/networking/states'
import { IconPencil, IconRocket, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { reachOf } from '../../kit/place.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { networkDeleteCli } from '../cli.ts'

const foreign = 'It belongs to another project. Switch to that one to launch an instance on it.'

export function useNetworkActions(
  options: { edit?: (network: NetworkView) => void } = {},
): ResourceAction<NetworkView>[] {
  const trpc = useTRPC()
  const router = useRouter()
  const may = useMay()
  const { cloud } = reachOf(useSession())
  const remove = useMutation(trpc.networking.networks.delete.mutationOptions())
  const launch: ResourceAction<NetworkView> = {
    id: 'launch',
    label: 'Launch instance on it',
    icon: <IconRocket size={16} />,
    allowed: (network) =>
      all(
        may(),
        network.own || network.shared || network.external || !cloud || foreign,
        !network.external || 'Instances are not put on an external network; they get floating IPs of it.',
        network.subnets.length > 0 || 'It has no subnet, so it has no addresses. Add one first.',
        network.state === 'active' || network.state === 'build' || `It is ${network.state}.`,
      ),
    open: (network) => router.push(`${paths.launch}?network=${network.id}`),
  }
  const edit: ResourceAction<NetworkView> = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: (network) => may(network.own),
    open: options.edit ?? ((network) => router.push(`${paths.network(network.id)}?edit=1`)),
  }
  const erase: ResourceAction<NetworkView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: (network) =>
      all(
        may(network.own),
        network.state !== 'deleting' || 'It is being deleted.',
        networkCan.delete(network),
      ),
    confirm: (networks) => ({
      title:
        networks.length === 1
          ? `Delete network “${networks[0]?.name ?? ''}”?`
          : `Delete ${networks.length} networks?`,
      body: (
        <Text size="sm">
          {networks.length === 1
            ? 'Its subnets are deleted with it.'
            : 'Their subnets are deleted with them.'}{' '}
          Routers and floating IPs stay.
        </Text>
      ),
      confirmLabel: 'Delete',
    }),
    run: (network) => remove.mutateAsync({ id: network.id }),
    started: (networks) =>
      networks.length === 1
        ? `Deleting network ${networks[0]?.name ?? ''}`
        : `Deleting ${networks.length} networks`,
    asCli: (network) => networkDeleteCli(network.id),
  }
  return [launch, edit, erase]
}
