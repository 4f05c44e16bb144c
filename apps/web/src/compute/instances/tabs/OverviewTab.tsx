'use client'
import { SimpleGrid, Stack } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { useSession } from '../../../kit/session.ts'
import { Facts } from '../../../ui/Fact.tsx'
import { Section } from '../../../ui/Section.tsx'
import { detailFacts, instanceFacts } from '../descriptor.tsx'
import { AddressList } from './AddressList.tsx'
import { BuildTimeline } from './BuildTimeline.tsx'
import { HowToConnect } from './HowToConnect.tsx'
import { OwnWords } from './OwnWords.tsx'
import { UserData } from './UserData.tsx'

export function OverviewTab({ view }: { view: InstanceDetail }) {
  const { project } = useSession()
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Stack gap="md">
        <HowToConnect view={view} />
        <Section title="Addresses">
          <AddressList view={view} />
        </Section>
        <BuildTimeline id={view.id} projectId={view.projectId} />
      </Stack>
      <Stack gap="md">
        <Section title="Facts">
          <Facts items={[...instanceFacts(view, project?.id ?? null), ...detailFacts(view)]} />
        </Section>
        <OwnWords view={view} />
        {view.userData && <UserData encoded={view.userData} />}
      </Stack>
    </SimpleGrid>
  )
}
