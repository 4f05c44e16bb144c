'use client'
import { IconPlus } from '@tabler/icons-react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { everyones } from '../everyones.tsx'
import { useInstances } from '../lookups.ts'
import { portDescriptor } from './port.descriptor.tsx'
import { usePortActions } from './port-actions.tsx'
import { asUse, portUseFilter } from './port-filter.ts'

const PortCreateForm = lazyPanel(() => import('./PortCreateForm.tsx').then((module) => module.PortCreateForm))

const none = { title: 'No ports', text: 'Nobody has anything on a network of this cloud yet.' }

/** The ports of the project, or of all projects. */
export function PortsPage({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const may = useMay()
  const { nameOf } = useInstances(allProjects)
  const actions = usePortActions()
  const panel = useUrlPanel('create')
  const own = portDescriptor(nameOf)
  const create = (
    <ReasonButton leftSection={<IconPlus size={16} />} allowed={may()} onClick={panel.open}>
      Create port
    </ReasonButton>
  )
  return (
    <>
      <PageHeader
        title={allProjects ? 'All ports' : 'Ports'}
        description={
          allProjects
            ? 'Of every project: addresses on networks, and what has them.'
            : 'Places on networks with their addresses: of instances and routers, and kept for instances to come.'
        }
        actions={allProjects ? undefined : create}
      />
      <ResourceTable
        descriptor={allProjects ? everyones(own, none) : { ...own, empty: { ...own.empty, action: create } }}
        actions={actions}
        filters={[portUseFilter]}
        query={(page, { use }) =>
          trpc.networking.ports.list.queryOptions({ ...page, allProjects, use: asUse(use) })
        }
      />
      {!allProjects && <PortCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}
