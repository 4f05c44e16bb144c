'use client'
import { Text } from '@mantine/core'
import type { RouterView } from '@stratolith/api/networking/contract'
import { IconTrash, IconWorldOff, IconWorldUp } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { routerDeleteCli, routerGatewayCli } from '../cli.ts'

/** `gateway` opens the page's own panel; from a list the page is opened with it. */
export function useRouterActions(options: { gateway?: () => void } = {}): ResourceAction<RouterView>[] {
  const trpc = useTRPC()
  const navigate = useRouter()
  const may = useMay()
  const setGateway = useMutation(trpc.networking.routers.setGateway.mutationOptions())
  const remove = useMutation(trpc.networking.routers.delete.mutationOptions())
  const alive = (router: RouterView) => all(may(), router.state !== 'deleting' || 'It is being deleted.')
  const open: ResourceAction<RouterView> = {
    id: 'gateway',
    label: 'Set gateway',
    icon: <IconWorldUp size={16} />,
    allowed: (router) =>
      all(alive(router), router.external === null || 'It has a gateway. Clear it first to take another one.'),
    open: options.gateway ?? ((router) => navigate.push(`${paths.router(router.id)}?gateway=1`)),
  }
  const clear: ResourceAction<RouterView> = {
    id: 'clear-gateway',
    label: 'Clear gateway',
    icon: <IconWorldOff size={16} />,
    danger: true,
    allowed: (router) => all(alive(router), router.external !== null || 'It has no gateway.'),
    confirm: ([router]) => ({
      title: `Clear the gateway of “${router?.name ?? ''}”?`,
      body: (
        <Text size="sm">
          Instances behind it no longer reach the outside, and floating IPs no longer reach them.
        </Text>
      ),
      confirmLabel: 'Clear',
    }),
    run: (router) => setGateway.mutateAsync({ id: router.id, externalNetworkId: null }),
    started: ([router]) => `Clearing the gateway of ${router?.name ?? ''}`,
    asCli: (router) => routerGatewayCli(router.id, null),
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
  return [open, clear, erase]
}
