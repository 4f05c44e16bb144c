'use client'
import type { HostView } from '@stratolith/api/hosts/contract'
import { IconPlayerPlay, IconSettings } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction } from '../kit/descriptor.ts'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { HostPanel } from './HostPanel.tsx'
import { hostDescriptor } from './host.descriptor.tsx'

export function HostsPage() {
  const trpc = useTRPC()
  return (
    <>
      <PageHeader title="Hosts" description="Machines that carry instances, and how full they are." />
      <ResourceTable
        descriptor={hostDescriptor}
        actions={useHostActions()}
        query={(page) => trpc.hosts.list.queryOptions(page)}
      />
      <HostPanel />
    </>
  )
}

function useHostActions(): ResourceAction<HostView>[] {
  const trpc = useTRPC()
  const { set } = useUrlState()
  const update = useMutation(trpc.hosts.update.mutationOptions())
  return [
    {
      id: 'manage',
      label: 'Look and change',
      icon: <IconSettings size={16} />,
      allowed: () => true,
      open: ({ id }) => set({ panel: id }, true),
    },
    {
      id: 'enable',
      label: 'Enable',
      icon: <IconPlayerPlay size={16} />,
      bulk: true,
      allowed: (host) => (host.enabled ? 'It takes new instances already.' : true),
      run: ({ id }) => update.mutateAsync({ id, enabled: true }),
      started: (hosts) =>
        hosts.length === 1 ? `${hosts[0]?.name} takes new instances` : `Enabled ${hosts.length} hosts`,
      asCli: ({ name }) =>
        shellLine('openstack', 'compute', 'service', 'set', '--enable', name, 'nova-compute'),
    },
  ]
}
