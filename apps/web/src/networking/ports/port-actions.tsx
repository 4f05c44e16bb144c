'use client'
import { Text } from '@mantine/core'
import type { PortView } from '@stratolith/api/networking/contract'
import { portCan } from '@stratolith/api/networking/states'
import { IconListNumbers, IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { portDeleteCli } from '../cli.ts'
import { portTitle } from './device.tsx'

/**
 * `edit` and `addresses` open panels of the port's page. Without them (in a list) the actions open the page with the
 * panel.
 */
export function usePortActions(
  options: { edit?: () => void; addresses?: () => void } = {},
): ResourceAction<PortView>[] {
  const trpc = useTRPC()
  const navigate = useRouter()
  const may = useMay()
  const here = useSession().project?.id
  const mine = (port: PortView) => may(port.projectId === here)
  const remove = useMutation(trpc.networking.ports.delete.mutationOptions())
  const edit: ResourceAction<PortView> = {
    id: 'edit',
    label: 'Edit',
    icon: <IconPencil size={16} />,
    allowed: mine,
    open: options.edit ?? (({ id }) => navigate.push(`${paths.port(id)}?edit=1`)),
  }
  const addresses: ResourceAction<PortView> = {
    id: 'addresses',
    label: 'Change addresses',
    icon: <IconListNumbers size={16} />,
    allowed: (port) => all(mine(port), portCan.changeAddresses(port)),
    open: options.addresses ?? (({ id }) => navigate.push(`${paths.port(id)}?addresses=1`)),
  }
  const erase: ResourceAction<PortView> = {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    bulk: true,
    allowed: (port) => all(mine(port), portCan.delete(port)),
    confirm: (ports) => ({
      title:
        ports.length === 1 && ports[0]
          ? `Delete port ${portTitle(ports[0])}?`
          : `Delete ${ports.length} ports?`,
      body: <Text size="sm">{goneText(ports)}</Text>,
      confirmLabel: 'Delete',
    }),
    run: (port) => remove.mutateAsync({ id: port.id }),
    started: (ports) =>
      ports.length === 1 && ports[0]
        ? `Port ${portTitle(ports[0])} is deleted`
        : `${ports.length} ports are deleted`,
    asCli: (port) => portDeleteCli(port.id),
  }
  return [edit, addresses, erase]
}

/** Says what is deleted together with the ports. */
export function goneText(ports: readonly Pick<PortView, 'addresses'>[]): string {
  const public_ = ports.flatMap((port) => port.addresses.flatMap((one) => one.floatingIp?.address ?? []))
  const first =
    ports.length === 1 ? 'Its addresses are free for others.' : 'Their addresses are free for others.'
  if (public_.length === 0) return first
  const led = public_.length === 1 ? 'leads nowhere then and stays' : 'lead nowhere then and stay'
  return `${first} ${public_.join(', ')} ${led} with the project.`
}
