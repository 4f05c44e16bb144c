'use client'
import type { FloatingIpView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel, useUrlState } from '../../kit/url-state.ts'
import { MainAction } from '../../ui/MainAction.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { useInstances } from '../lookups.ts'
import { floatingIpDescriptor } from './floating-ip.descriptor.tsx'
import { useFloatingIpActions } from './floating-ip-actions.tsx'

const AllocateForm = lazyPanel(() => import('./FloatingIpForms.tsx').then((module) => module.AllocateForm))
const AssociateForm = lazyPanel(() => import('./FloatingIpForms.tsx').then((module) => module.AssociateForm))

export function FloatingIpsPage() {
  const trpc = useTRPC()
  const may = useMay()
  const { nameOf } = useInstances()
  const { set } = useUrlState()
  const panel = useUrlPanel('create')
  const actions = useFloatingIpActions((fip) => set({ associate: fip.id }, true))
  const descriptor = floatingIpDescriptor(nameOf)
  const allocate = <MainAction label="Allocate floating IP" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title="Floating IPs"
        description="Addresses of the outside that lead to your instances."
        actions={allocate}
      />
      <ResourceTable
        descriptor={{ ...descriptor, empty: { ...descriptor.empty, action: allocate } }}
        actions={actions}
        query={(page) => trpc.networking.floatingIps.list.queryOptions(page)}
      />
      <AllocateForm opened={panel.opened} onClose={panel.close} />
      <Associating />
    </>
  )
}

/** The panel of ?associate=<id>. There is no procedure for one floating IP, so it comes from the list. */
function Associating() {
  const trpc = useTRPC()
  const { get, set } = useUrlState()
  const id = get('associate')
  const list = useQuery(
    trpc.networking.floatingIps.list.queryOptions({ limit: 1000 }, { enabled: id !== null }),
  )
  const fip: FloatingIpView | undefined = list.data?.items.find((one) => one.id === id)
  return fip ? <AssociateForm key={fip.id} opened fip={fip} onClose={() => set({ associate: null })} /> : null
}
