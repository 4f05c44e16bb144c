'use client'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { IconPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useLook, useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { portDescriptor } from '../ports/port.descriptor.tsx'
import { usePortActions } from '../ports/port-actions.tsx'

const PortCreateForm = lazyPanel(() =>
  import('../ports/PortCreateForm.tsx').then((module) => module.PortCreateForm),
)

/** The ports on one network, as far as the session may see them. */
export function NetworkPorts({ network }: { network: NetworkView }) {
  const trpc = useTRPC()
  const may = useMay()
  const { isAdmin } = useSession()
  const { allProjects } = useLook(network.projectId)
  const actions = usePortActions()
  const panel = useUrlPanel('create')
  const allowed = all(
    may(),
    !network.external || isAdmin || 'Ports of an external network come with routers and floating IPs.',
    network.state !== 'deleting' || 'The network is being deleted.',
  )
  return (
    <>
      <ResourceTable
        descriptor={portDescriptor(true)}
        actions={actions}
        searchable={false}
        toolbar={
          <ReasonButton
            size="sm"
            variant="default"
            leftSection={<IconPlus size={16} />}
            allowed={allowed}
            onClick={panel.open}
          >
            Create port
          </ReasonButton>
        }
        query={(page) =>
          trpc.networking.ports.list.queryOptions({ ...page, networkId: network.id, allProjects })
        }
      />
      {panel.opened && <PortCreateForm networkId={network.id} opened onClose={panel.close} />}
    </>
  )
}
