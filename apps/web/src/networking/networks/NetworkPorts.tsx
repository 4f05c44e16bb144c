'use client'
import type { NetworkView, PortView } from '@stratolith/api/networking/contract'
import { IconPencil } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useLook } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlState } from '../../kit/url-state.ts'
import { useInstances } from '../lookups.ts'
import { portDescriptor } from '../ports/port.descriptor.tsx'

const PortEditForm = lazyPanel(() =>
  import('../ports/PortEditForm.tsx').then((module) => module.PortEditForm),
)

/** The ports on one network that may be seen from here; ?port=<id> opens one. */
export function NetworkPorts({ network }: { network: Pick<NetworkView, 'id' | 'projectId'> }) {
  const trpc = useTRPC()
  const may = useMay()
  const { allProjects } = useLook(network.projectId)
  const { nameOf } = useInstances(allProjects)
  const { get, set } = useUrlState()
  const open = get('port')
  const port = useQuery(
    trpc.networking.ports.get.queryOptions({ id: open ?? '' }, { enabled: open !== null }),
  )
  const edit: ResourceAction<PortView> = {
    id: 'edit',
    label: 'Open and edit',
    icon: <IconPencil size={16} />,
    allowed: () => may(),
    open: ({ id }) => set({ port: id }, true),
  }
  return (
    <>
      <ResourceTable
        descriptor={portDescriptor(nameOf)}
        actions={[edit]}
        searchable={false}
        query={(page) =>
          trpc.networking.ports.list.queryOptions({ ...page, networkId: network.id, allProjects })
        }
      />
      {open !== null && port.data && (
        <PortEditForm key={port.data.id} opened port={port.data} onClose={() => set({ port: null })} />
      )}
    </>
  )
}
