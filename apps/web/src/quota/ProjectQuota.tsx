'use client'
import { SimpleGrid } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../kit/Loaded.tsx'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { useAdminOnly } from '../kit/rights.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { Bar } from '../ui/Bar.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { quotaOrder, quotaWords } from './words.ts'

const QuotaForm = lazyPanel(() => import('./QuotaForm.tsx').then((module) => module.QuotaForm))

/** The limits and the usage of one project; administrators can change the limits. */
export function ProjectQuota({ projectId, name }: { projectId: string; name: string }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const panel = useUrlPanel('limits')
  const quota = useQuery(trpc.quota.get.queryOptions({ projectId }))
  const defaults = useQuery(trpc.quota.defaults.queryOptions())
  return (
    <Section
      title="Quota and usage"
      description="What the project may have at most, and has."
      action={
        <ReasonButton
          size="xs"
          variant="default"
          leftSection={<IconPencil size={14} />}
          allowed={admin()}
          onClick={panel.open}
        >
          Change limits
        </ReasonButton>
      }
    >
      <Loaded query={quota}>
        {(views) => (
          <>
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg" verticalSpacing="sm">
              {views
                // Key pairs count for their user, so the count here would be the administrator's own.
                .filter(({ resource }) => resource !== 'keyPairs')
                .toSorted((a, b) => quotaOrder.indexOf(a.resource) - quotaOrder.indexOf(b.resource))
                .map(({ resource, used, limit }) => (
                  <Bar key={resource} used={used} limit={limit} {...quotaWords[resource]} />
                ))}
            </SimpleGrid>
            {panel.opened && defaults.data && (
              <QuotaForm
                projectId={projectId}
                name={name}
                quota={views}
                defaults={defaults.data}
                opened
                onClose={panel.close}
              />
            )}
          </>
        )}
      </Loaded>
    </Section>
  )
}
