'use client'
import { Text } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import type { RouterView } from '@stratolith/api/networking/contract'
import { IconPencil, IconTrash, IconWorldOff, IconWorldUp } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { routerDeleteCli, routerGatewayCli } from '../cli.ts'
import { useExternalNetworks } from '../lookups.ts'

/** `edit` opens the panel of the router's page. Without it (in a list) the action opens the page with the panel. */
export function useRouterActions(options: { edit?: () => void } = {}): ResourceAction<RouterView>[] {
  const trpc = useTRPC()
  const navigate = useRouter()
  const alive = useAlive()
  const remove = useMutation(trpc.networking.routers.delete.mutationOptions())
  const edit: ResourceAction<RouterView> = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: alive,
    open: options.edit ?? ((router) => navigate.push(`${paths.router(router.id)}?edit=1`)),
  }
  const erase: ResourceAction<RouterView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: alive,
    confirm: (routers) => ({
      title:
        routers.length === 1
          ? `Delete router “${routers[0]?.name ?? ''}”?`
          : `Delete ${routers.length} routers?`,
      body: (
        <Text size="sm">The networks that it joins stay, but they no longer have a way out through it.</Text>
      ),
      confirmLabel: 'Delete',
    }),
    run: (router) => remove.mutateAsync({ id: router.id }),
    started: (routers) =>
      routers.length === 1
        ? `Deleting router ${routers[0]?.name ?? ''}`
        : `Deleting ${routers.length} routers`,
    asCli: (router) => routerDeleteCli(router.id),
  }
  return [edit, erase]
}

/**
 * The actions on a router's gateway, of which the router's page shows the useful ones. `change` is null when there is
 * no other network to choose.
 */
export function useGatewayActions({ gateway }: { gateway: () => void }): {
  set: ResourceAction<RouterView>
  change: ResourceAction<RouterView> | null
  clear: ResourceAction<RouterView>
} {
  const trpc = useTRPC()
  const alive = useAlive()
  const { networks } = useExternalNetworks()
  const setGateway = useMutation(trpc.networking.routers.setGateway.mutationOptions())
  const set: ResourceAction<RouterView> = {
    id: 'gateway',
    label: 'Set gateway',
    icon: <IconWorldUp size={16} />,
    allowed: alive,
    open: gateway,
  }
  const clear: ResourceAction<RouterView> = {
    id: 'clear-gateway',
    label: 'Clear gateway',
    icon: <IconWorldOff size={16} />,
    danger: true,
    allowed: alive,
    confirm: ([router]) => ({
      title: `Clear the gateway of “${router?.name ?? ''}”?`,
      body: (
        <Text size="sm">
          Instances behind it no longer reach the outside, and its address outside is free for others. It is
          refused while floating IPs lead through it.
        </Text>
      ),
      confirmLabel: 'Clear',
    }),
    run: (router) => setGateway.mutateAsync({ id: router.id, externalNetworkId: null }),
    started: ([router]) => `Clearing the gateway of ${router?.name ?? ''}`,
    asCli: (router) => routerGatewayCli(router.id, null),
  }
  const change = networks.length > 1 ? { ...set, id: 'change-gateway', label: 'Change gateway' } : null
  return { set, change, clear }
}

function useAlive(): (router: RouterView) => Allowed {
  const may = useMay()
  const here = useSession().project?.id
  return (router) =>
    all(may(router.projectId === here), router.state !== 'deleting' || 'It is being deleted.')
}
