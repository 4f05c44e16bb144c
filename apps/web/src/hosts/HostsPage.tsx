'use client'
import type { HostView } from '@stratolith/api/hosts/contract'
import { hostCan } from '@stratolith/api/hosts/states'
import {
  IconHelpHexagon,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlugConnected,
  IconPlugConnectedX,
  IconServer2,
  IconTrash,
} from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../kit/descriptor.ts'
import { useRouter } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { all, useAdminOnly } from '../kit/rights.ts'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { HostPanel } from './HostPanel.tsx'
import { hostDescriptor } from './host.descriptor.tsx'
import { fencingQuestion } from './host-words.ts'
import { hostList } from './list.ts'

export function HostsPage() {
  return (
    <>
      <PageHeader
        title="Hosts"
        description="These machines run the instances. The list shows how much of each machine is in use."
      />
      <ResourceTable descriptor={hostDescriptor} actions={useHostActions()} query={hostList} />
      <HostPanel />
    </>
  )
}

const forced = ['openstack', '--os-compute-api-version', '2.53', 'compute', 'service', 'set'] as const

function useHostActions(): ResourceAction<HostView>[] {
  const trpc = useTRPC()
  const { set } = useUrlState()
  const router = useRouter()
  const admin = useAdminOnly()
  const update = useMutation(trpc.hosts.update.mutationOptions())
  const remove = useMutation(trpc.hosts.delete.mutationOptions())
  const fencing = useFencing()
  return [
    {
      id: 'manage',
      label: 'Edit',
      icon: <IconPencil size={16} />,
      allowed: () => true,
      open: ({ id }) => set({ panel: id }, true),
    },
    {
      id: 'disable',
      opposite: 'enable',
      label: 'Disable',
      icon: <IconPlayerStop size={16} />,
      allowed: (host) => all(admin(), host.enabled || 'It takes no new instances already.'),
      // The panel asks for the reason of disabling.
      open: ({ id }) => set({ panel: id }, true),
      asCli: ({ name }) =>
        shellLine('openstack', 'compute', 'service', 'set', '--disable', name, 'nova-compute'),
    },
    {
      id: 'instances',
      label: 'What runs there',
      icon: <IconServer2 size={16} />,
      allowed: () => true,
      open: ({ id }) => router.push(`${paths.adminInstances}?host=${id}`),
    },
    {
      id: 'unknown',
      label: 'What is unknown there',
      icon: <IconHelpHexagon size={16} />,
      allowed: () => true,
      open: ({ id }) => router.push(`${paths.unknown}?host=${id}`),
    },
    {
      id: 'enable',
      opposite: 'disable',
      label: 'Enable',
      icon: <IconPlayerPlay size={16} />,
      bulk: true,
      allowed: (host) => all(admin(), !host.enabled || 'It takes new instances already.'),
      run: ({ id }) => update.mutateAsync({ id, enabled: true }),
      started: (hosts) =>
        hosts.length === 1 ? `${hosts[0]?.name} takes new instances` : `Enabled ${hosts.length} hosts`,
      asCli: ({ name }) =>
        shellLine('openstack', 'compute', 'service', 'set', '--enable', name, 'nova-compute'),
    },
    ...fencing,
    {
      id: 'delete',
      label: 'Remove',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: (host) => all(admin(), hostCan.delete(host)),
      confirm: ([host]) => ({
        title: `Remove ${host?.name ?? ''}?`,
        body: 'Remove a host only when its machine is gone for good and never runs again. The addresses and the room that deleted instances still held there become free. If its agent starts again all the same, the cloud registers it as a new host.',
        confirmLabel: 'Remove',
      }),
      run: ({ id }) => remove.mutateAsync({ id }),
      started: ([host]) => `${host?.name ?? ''} is removed`,
    },
  ]
}

function useFencing(): ResourceAction<HostView>[] {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const fence = useMutation(trpc.hosts.fence.mutationOptions())
  const unfence = useMutation(trpc.hosts.unfence.mutationOptions())
  return [
    {
      id: 'fence',
      label: 'Declare fenced…',
      icon: <IconPlugConnectedX size={16} />,
      danger: true,
      allowed: (host) => all(admin(), hostCan.fence(host)),
      confirm: ([host]) => fencingQuestion({ name: host?.name ?? '' }),
      run: ({ id }) => fence.mutateAsync({ id }),
      started: ([host]) => `${host?.name ?? ''} is declared fenced`,
      asCli: ({ name }) => shellLine(...forced, '--down', name, 'nova-compute'),
    },
    {
      id: 'unfence',
      label: 'Take the fencing back',
      icon: <IconPlugConnected size={16} />,
      allowed: (host) => all(admin(), hostCan.unfence(host)),
      run: ({ id }) => unfence.mutateAsync({ id }),
      started: ([host]) => `${host?.name ?? ''} is up when it answers`,
      asCli: ({ name }) => shellLine(...forced, '--up', name, 'nova-compute'),
    },
  ]
}
