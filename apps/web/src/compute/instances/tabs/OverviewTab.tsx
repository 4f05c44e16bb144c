'use client'
import { Skeleton } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { lazyPart } from '../../../kit/lazy-part.tsx'
import { useSession } from '../../../kit/session.ts'
import { Columns } from '../../../ui/Columns.tsx'
import { Facts } from '../../../ui/Fact.tsx'
import { Section } from '../../../ui/Section.tsx'
import { detailFacts, instanceFacts } from '../descriptor.tsx'
import { AddressList } from './AddressList.tsx'
import { HowToConnect } from './HowToConnect.tsx'
import { UserData } from './UserData.tsx'

const BuildTimeline = lazyPart(() => import('./BuildTimeline.tsx').then((m) => m.BuildTimeline))
// The server draws it, and its code arrives after the page.
const OwnWords = lazyPart(() => import('./OwnWords.tsx').then((m) => m.OwnWords), {
  waiting: <Skeleton height={420} radius="md" />,
})

export function OverviewTab({ view }: { view: InstanceDetail }) {
  const session = useSession()
  return (
    <Columns
      side={
        <>
          <Section title="Facts">
            <Facts items={[...instanceFacts(view, session), ...detailFacts(view)]} />
          </Section>
          <OwnWords view={view} />
        </>
      }
    >
      {isBuilt(view) ? null : <BuildTimeline id={view.id} projectId={view.projectId} />}
      <HowToConnect view={view} />
      <Section title="Addresses">
        <AddressList view={view} />
      </Section>
      {view.userData && <UserData encoded={view.userData} />}
    </Columns>
  )
}

/** After that the build is history, which the tab of operations shows. */
const isBuilt = ({ vmState, launchedAt }: InstanceDetail): boolean =>
  vmState !== 'building' && !(vmState === 'error' && launchedAt === null)
