'use client'
import type { QuotaView } from '@stratolith/api/kernel/contract'
import { IconPencil } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../kit/Loaded.tsx'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { useAdminOnly } from '../kit/rights.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { ShareBar } from '../ui/Bar.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { DeletedCount } from '../volumes/DeletedCount.tsx'
import classes from './quota.module.css'
import { amountText, quotaOrder, quotaWords } from './words.ts'

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
      description="This is how much the project may have at most, and how much it has."
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
            <UsageTable views={views} />
            <DeletedCount projectId={projectId} />
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

/** Key pairs are their users’: the count would be the administrator’s own. */
function UsageTable({ views }: { views: QuotaView[] }) {
  const shown = views
    .filter(({ resource }) => resource !== 'keyPairs')
    .toSorted((a, b) => quotaOrder.indexOf(a.resource) - quotaOrder.indexOf(b.resource))
  return (
    <table className={classes.table} aria-label="Quota and usage">
      <thead>
        <tr>
          <th scope="col">Resource</th>
          <th scope="col" className={classes.end}>
            Used
          </th>
          <th scope="col" className={classes.end}>
            Limit
          </th>
          <th scope="col" className={classes.bar}>
            Share
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ resource, used, limit }) => (
          <tr key={resource}>
            <th scope="row">{quotaWords[resource].label}</th>
            <td className={`${classes.number} ${classes.end}`}>{amountText(resource, used)}</td>
            <td className={`${classes.number} ${classes.end}`}>{amountText(resource, limit)}</td>
            <td className={classes.bar}>
              <ShareBar used={used} limit={limit} label={quotaWords[resource].label} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
