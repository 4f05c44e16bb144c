'use client'
import { Group } from '@mantine/core'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyTab } from '../../kit/lazy-part.tsx'
import { paths } from '../../kit/paths.ts'
import { reachOf } from '../../kit/place.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { OperationsOf } from '../../operations/OperationsOf.tsx'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { useListOf, useOwnerFact } from '../everyones.tsx'
import { NetState } from '../NetState.tsx'
import { NetworkSubnets } from './NetworkSubnets.tsx'
import { NetworkBadges, networkDescriptor } from './network.descriptor.tsx'
import { useNetworkActions } from './network-actions.tsx'
import { PathOut } from './PathOut.tsx'

const NetworkPorts = lazyTab(() => import('./NetworkPorts.tsx').then((module) => module.NetworkPorts))
const NetworkSharing = lazyTab(() => import('./NetworkSharing.tsx').then((module) => module.NetworkSharing))

const NetworkEditForm = lazyPanel(() =>
  import('./NetworkEditForm.tsx').then((module) => module.NetworkEditForm),
)

export function NetworkPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const network = useQuery(trpc.networking.networks.get.queryOptions({ id }))
  return <Loaded query={network}>{(view) => <NetworkDetail network={view} />}</Loaded>
}

function NetworkDetail({ network }: { network: NetworkView }) {
  const panel = useUrlPanel('edit')
  const { cloud } = reachOf(useSession())
  const back = useListOf(network.projectId, { plural: 'All networks', listPath: paths.adminNetworks })
  const owner = useOwnerFact(network.projectId)
  const actions = useNetworkActions({ edit: panel.open })
  return (
    <>
      <DetailPage
        descriptor={{ ...networkDescriptor, ...back }}
        view={network}
        actions={actions}
        badge={
          <Group gap="xs">
            <NetState state={network.state} />
            <NetworkBadges network={network} />
          </Group>
        }
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Columns
                side={
                  <Section title="Facts">
                    <Facts items={[...(networkDescriptor.facts?.(network) ?? []), ...owner]} />
                  </Section>
                }
              >
                <PathOut network={network} />
                <NetworkSubnets network={network} />
              </Columns>
            ),
          },
          { id: 'ports', label: 'Ports', content: <NetworkPorts network={network} /> },
          // Only the owner and people who see the whole cloud may know who else uses the network.
          ...(network.own || cloud
            ? [{ id: 'sharing', label: 'Sharing', content: <NetworkSharing network={network} /> }]
            : []),
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={network.id} projectId={network.projectId} />,
          },
        ]}
      />
      {panel.opened && <NetworkEditForm network={network} opened onClose={panel.close} />}
    </>
  )
}
