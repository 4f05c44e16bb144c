'use client'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { gib, mib } from '../../kit/format.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyTab } from '../../kit/lazy-part.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { flavorDescriptor } from './descriptor.tsx'
import { ExtraSpecs } from './ExtraSpecs.tsx'
import { useFlavorActions } from './use-flavor-actions.tsx'

const FlavorAccess = lazyTab(() => import('./FlavorAccess.tsx').then((module) => module.FlavorAccess))

export function FlavorPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const flavor = useQuery(trpc.compute.flavors.get.queryOptions({ id }))
  return <Loaded query={flavor}>{(view) => <Detail flavor={view} />}</Loaded>
}

function Detail({ flavor }: { flavor: FlavorView }) {
  return (
    <DetailPage
      descriptor={flavorDescriptor}
      view={flavor}
      actions={useFlavorActions()}
      tabs={[
        { id: 'overview', label: 'Overview', content: <Overview flavor={flavor} /> },
        { id: 'access', label: 'Access', content: <FlavorAccess flavor={flavor} /> },
      ]}
    />
  )
}

function Overview({ flavor }: { flavor: FlavorView }) {
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts
            items={[
              { label: 'ID', value: flavor.id, copy: flavor.id },
              { label: 'vCPU', value: flavor.vcpus },
              { label: 'Memory', value: mib(flavor.memoryMib) },
              { label: 'Disk', value: gib(flavor.diskGib) },
              { label: 'Ephemeral disk', value: flavor.ephemeralGib > 0 ? gib(flavor.ephemeralGib) : 'none' },
              { label: 'Swap disk', value: flavor.swapMib > 0 ? mib(flavor.swapMib) : 'none' },
              {
                label: 'Root disk',
                value: flavor.diskMode === 'copy' ? 'full copy of the image' : 'on top of the image',
              },
              { label: 'For', value: flavor.public ? 'everybody' : 'the projects under Access' },
              ...(flavor.description ? [{ label: 'Description', value: flavor.description }] : []),
            ]}
          />
        </Section>
      }
    >
      <ExtraSpecs flavor={flavor} />
    </Columns>
  )
}
