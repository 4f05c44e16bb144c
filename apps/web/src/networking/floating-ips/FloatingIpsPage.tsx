'use client'
import type { FloatingIpView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import type { ComponentType } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel, useUrlState } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { everyones } from '../everyones.tsx'
import { floatingIpDescriptor } from './floating-ip.descriptor.tsx'
import { useFloatingIpActions } from './floating-ip-actions.tsx'
import { floatingIpList } from './list.ts'

const AllocateForm = lazyPanel(() => import('./FloatingIpForms.tsx').then((module) => module.AllocateForm))
const EditForm = lazyPanel(() => import('./FloatingIpForms.tsx').then((module) => module.EditForm))
const AssociateForm = lazyPanel(() => import('./FloatingIpForms.tsx').then((module) => module.AssociateForm))

const none = { title: 'No floating IPs', text: 'No project has taken an address of the outside yet.' }

export function FloatingIpsPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const { set } = useUrlState()
  const panel = useUrlPanel('create')
  const actions = useFloatingIpActions({
    associate: (fip) => set({ associate: fip.id }, true),
    edit: (fip) => set({ edit: fip.id }, true),
  })
  const allocate = <MainAction label="Allocate floating IP" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All floating IPs' : 'Floating IPs'}
        description={
          allProjects
            ? 'Of every project: addresses of the outside and what they lead to.'
            : 'Addresses of the outside that lead to your instances.'
        }
        actions={allProjects ? undefined : allocate}
      />
      <ResourceTable
        descriptor={
          allProjects
            ? everyones(floatingIpDescriptor, none)
            : { ...floatingIpDescriptor, empty: { ...floatingIpDescriptor.empty, action: allocate } }
        }
        actions={actions}
        query={floatingIpList(allProjects)}
      />
      {!allProjects && <AllocateForm opened={panel.opened} onClose={panel.close} />}
      <OpenPanel of="associate" Form={AssociateForm} />
      <OpenPanel of="edit" Form={EditForm} />
    </>
  )
}

type PanelProps = { fip: FloatingIpView; opened: boolean; onClose: () => void }

/** The panel for ?associate=<id> or ?edit=<id>. */
function OpenPanel({ of, Form }: { of: string; Form: ComponentType<PanelProps> }) {
  const trpc = useTRPC()
  const { get, set } = useUrlState()
  const id = get(of)
  const fip = useQuery(
    trpc.networking.floatingIps.get.queryOptions({ id: id ?? '' }, { enabled: id !== null }),
  ).data
  if (id === null || !fip) return null
  return <Form key={fip.id} opened fip={fip} onClose={() => set({ [of]: null })} />
}
