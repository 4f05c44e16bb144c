'use client'
import type { QuotaName, QuotaView } from '@stratolith/api/kernel/contract'
import type { QuotaPartView } from '@stratolith/api/quota/contract'
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
import { type LimitRow, partRows, resourceRows } from './rows.ts'
import { amountText } from './words.ts'

const QuotaForm = lazyPanel(() => import('./QuotaForm.tsx').then((module) => module.QuotaForm))

/** The limits and the usage of one project; administrators can change the limits. */
export function ProjectQuota({ projectId, name }: { projectId: string; name: string }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const panel = useUrlPanel('limits')
  const quota = useQuery(trpc.quota.get.queryOptions({ projectId }))
  const parts = useQuery(trpc.quota.parts.queryOptions({ projectId }))
  const defaults = useQuery(trpc.quota.defaults.queryOptions())
  const partDefaults = useQuery(trpc.quota.partDefaults.queryOptions())
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
            <UsageTable views={views} parts={parts.data ?? []} />
            <DeletedCount projectId={projectId} />
            {panel.opened && defaults.data && parts.data && partDefaults.data && (
              <QuotaForm
                projectId={projectId}
                name={name}
                quota={views}
                defaults={defaults.data}
                parts={parts.data}
                partDefaults={partDefaults.data}
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

/**
 * Key pairs are their users’: the count would be the administrator’s own. A volume type is shown when the project has
 * something of the type, or a limit of it.
 */
function UsageTable({ views, parts }: { views: QuotaView[]; parts: readonly QuotaPartView[] }) {
  const own = parts.filter(({ used, limit }) => used > 0 || limit >= 0)
  const amounts = new Map<QuotaName, { used: number; limit: number }>([
    ...views.map((view) => [view.resource, view] as const),
    ...own.map((part) => [part.name, part] as const),
  ])
  const rows = [...resourceRows.filter(({ name }) => name !== 'keyPairs'), ...partRows(own)]
  const shown = rows.flatMap((row) => {
    const amount = amounts.get(row.name)
    return amount ? [{ row, ...amount }] : []
  })
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
        {shown.map((one) => (
          <UsageRow key={one.row.name} {...one} />
        ))}
      </tbody>
    </table>
  )
}

function UsageRow({ row, used, limit }: { row: LimitRow; used: number; limit: number }) {
  return (
    <tr>
      <th scope="row">{row.label}</th>
      <td className={`${classes.number} ${classes.end}`}>{row.each ? '–' : amountText(row, used)}</td>
      <td className={`${classes.number} ${classes.end}`}>{amountText(row, limit)}</td>
      <td className={classes.bar}>{!row.each && <ShareBar used={used} limit={limit} label={row.label} />}</td>
    </tr>
  )
}
