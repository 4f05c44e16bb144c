'use client'
import { Text } from '@mantine/core'
import type { PortView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { useListOf, useOwnerFact } from '../everyones.tsx'
import { NetState } from '../NetState.tsx'
import { DeviceLink, isInstancePort, isOfNetwork } from './device.tsx'
import { PortAddresses } from './PortAddresses.tsx'
import { portDescriptor } from './port.descriptor.tsx'
import { usePortActions } from './port-actions.tsx'

const PortEditForm = lazyPanel(() => import('./PortEditForm.tsx').then((module) => module.PortEditForm))
const PortAddressesForm = lazyPanel(() =>
  import('./PortAddressesForm.tsx').then((module) => module.PortAddressesForm),
)

export function PortPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const port = useQuery(trpc.networking.ports.get.queryOptions({ id }))
  return <Loaded query={port}>{(view) => <PortDetail port={view} />}</Loaded>
}

function PortDetail({ port }: { port: PortView }) {
  const trpc = useTRPC()
  const edit = useUrlPanel('edit')
  const addresses = useUrlPanel('addresses')
  const actions = usePortActions({ edit: edit.open, addresses: addresses.open })
  const network = useQuery(trpc.networking.networks.get.queryOptions({ id: port.networkId }))
  const descriptor = portDescriptor()
  const back = useListOf(port.projectId, { plural: 'All ports', listPath: paths.adminPorts })
  const owner = useOwnerFact(port.projectId)
  return (
    <>
      <DetailPage
        descriptor={{ ...descriptor, ...back }}
        view={port}
        actions={actions}
        badge={<NetState state={port.state} detail={port.errorMessage} />}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Columns
                side={
                  <Section title="Facts">
                    <Facts items={[...(descriptor.facts?.(port) ?? []), ...owner]} />
                  </Section>
                }
              >
                <Section title="Attached to">
                  <DeviceLink port={port} />
                  <Text size="sm" c="dimmed" mt={4}>
                    {attachedText(port)}
                  </Text>
                </Section>
                <PortAddresses port={port} network={network.data ?? null} />
              </Columns>
            ),
          },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={port.id} projectId={port.projectId} />,
          },
        ]}
      />
      {edit.opened && <PortEditForm port={port} opened onClose={edit.close} />}
      {addresses.opened && network.data && (
        <PortAddressesForm port={port} network={network.data} opened onClose={addresses.close} />
      )}
    </>
  )
}

/** Says what can be done with the port now. */
function attachedText(port: PortView): string {
  if (isInstancePort(port)) return 'It is detached, or another one attached, on the page of the instance.'
  if (isOfNetwork(port)) return 'It was made with that and goes with it.'
  if (port.deviceOwner !== '')
    return `Something outside of this cloud uses it: ${port.deviceId || 'without an id'}.`
  return 'It keeps its addresses for an instance: attach it on the page of one, or launch one with it.'
}
