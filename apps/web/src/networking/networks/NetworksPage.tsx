'use client'
import { Stack } from '@mantine/core'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { MainAction } from '../../ui/MainAction.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Section } from '../../ui/Section.tsx'
import { useNetworks } from '../lookups.ts'
import { networkDescriptor } from './network.descriptor.tsx'
import { useNetworkActions } from './network-actions.tsx'
import { StarterNetworkButton } from './StarterNetwork.tsx'

const NetworkCreateForm = lazyPanel(() =>
  import('./NetworkCreateForm.tsx').then((module) => module.NetworkCreateForm),
)

const filters = [
  {
    id: 'kind',
    label: 'Kind',
    options: [
      { value: 'internal', label: 'For instances' },
      { value: 'external', label: 'External' },
    ],
  },
]

export function NetworksPage() {
  const trpc = useTRPC()
  const may = useMay()
  const actions = useNetworkActions()
  const panel = useUrlPanel('create')
  const create = <MainAction label="Create network" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title="Networks"
        description="Where instances get their addresses and talk to each other."
        actions={
          <>
            <StarterNetworkButton />
            {create}
          </>
        }
      />
      <Stack gap="md">
        <FirstNetwork />
        <ResourceTable
          descriptor={networkDescriptor}
          actions={actions}
          filters={filters}
          query={(page, { kind }) =>
            trpc.networking.networks.list.queryOptions({
              ...page,
              external: kind === undefined ? undefined : kind === 'external',
            })
          }
        />
      </Stack>
      <NetworkCreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}

/** The external network of the cloud is always in the list, so that it is never quite empty. */
function FirstNetwork() {
  const { networks, ready } = useNetworks()
  if (!ready || networks.some((network) => !network.external)) return null
  return (
    <Section>
      <EmptyState
        icon={networkDescriptor.icon}
        {...networkDescriptor.empty}
        action={<StarterNetworkButton variant="filled" />}
      />
    </Section>
  )
}
