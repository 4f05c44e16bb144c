'use client'
import { Stack } from '@mantine/core'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Section } from '../../ui/Section.tsx'
import { everyones } from '../everyones.tsx'
import { useStarterOffer } from '../lookups.ts'
import { networkList } from './list.ts'
import { networkDescriptor, projectNetworks } from './network.descriptor.tsx'
import { useNetworkActions } from './network-actions.tsx'
import { StarterNetworkButton } from './StarterNetwork.tsx'

const NetworkCreateForm = lazyPanel(() =>
  import('./NetworkCreateForm.tsx').then((module) => module.NetworkCreateForm),
)

const kinds = [
  {
    id: 'kind',
    label: 'Kind',
    options: [
      { value: 'internal', label: 'For instances' },
      { value: 'external', label: 'External' },
    ],
  },
]
const filters = [
  ...kinds,
  {
    id: 'whose',
    label: 'Whose',
    options: [
      { value: 'own', label: 'This project’s' },
      { value: 'others', label: 'Opened to it by others' },
    ],
  },
]
const none = { title: 'No networks', text: 'There is no network in this cloud yet.' }

export function NetworksPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const actions = useNetworkActions()
  const panel = useUrlPanel('create')
  const create = <MainAction label="Create network" allowed={may()} to={{ onClick: panel.open }} />
  return (
    <>
      <PageHeader
        title={allProjects ? 'All networks' : 'Networks'}
        description={
          allProjects
            ? 'Of every project, with those that lead out of the cloud.'
            : 'Where instances get their addresses and talk to each other.'
        }
        actions={
          !allProjects && (
            <>
              <StarterNetworkButton />
              {create}
            </>
          )
        }
      />
      <Stack gap="md">
        {!allProjects && <FirstNetwork />}
        <ResourceTable
          descriptor={allProjects ? everyones(networkDescriptor, none) : projectNetworks}
          actions={actions}
          filters={allProjects ? kinds : filters}
          query={networkList(allProjects)}
        />
      </Stack>
      {!allProjects && <NetworkCreateForm opened={panel.opened} onClose={panel.close} />}
    </>
  )
}

/**
 * Offers the first network to a project without one: the list itself is never empty, because the cloud's external
 * network is in it.
 */
function FirstNetwork() {
  const { offer } = useStarterOffer()
  if (!offer || offer.hasNetwork) return null
  return (
    <Section>
      <EmptyState
        icon={networkDescriptor.icon}
        {...networkDescriptor.empty}
        action={<StarterNetworkButton />}
      />
    </Section>
  )
}
