import type { InstancesSummary } from '@stratolith/api/compute/contract'
import type { QuotaView } from '@stratolith/api/kernel/contract'
import { paths } from '../kit/paths.ts'
import { quotaWords } from '../quota/words.ts'

/** Something that the person may want to do next, and the page for it. */
export type OverviewHint = { text: string; action: string; href: string }

/** Returns the used share of a limit, from 0 to 1; 0 where there is no limit. */
export const share = ({ used, limit }: Pick<QuotaView, 'used' | 'limit'>): number =>
  limit < 0 ? 0 : limit === 0 ? (used > 0 ? 1 : 0) : used / limit

/** Everybody reaches these limits sooner or later; other limits are shown when they are nearly reached. */
const main: readonly string[] = ['instances', 'vcpus', 'memoryMib', 'floatingIps']
const nearly = 0.7

/** Answers whether a limit is shown at once; the others are folded away. */
export const isMain = (quota: QuotaView): boolean => main.includes(quota.resource) || share(quota) > nearly

/**
 * Returns the hints, the most urgent first. Instances in error are no hint: the count below the hints and the list of
 * what failed tell of them already.
 */
export function hintsOf({
  byStatus,
  quotas,
  keyPairs,
  projectId,
}: {
  byStatus: InstancesSummary['byStatus']
  quotas: readonly QuotaView[]
  keyPairs: number | null
  projectId: string
}): OverviewHint[] {
  const stopped = byStatus.SHUTOFF ?? 0
  const labels = (some: readonly QuotaView[]) =>
    some.map(({ resource }) => quotaWords[resource].label).join(', ')
  const full = quotas.filter((quota) => share(quota) >= 1)
  const tight = quotas.filter((quota) => share(quota) >= 0.9 && share(quota) < 1)
  const said = [
    ...(full.length > 0 ? [`Used up: ${labels(full)}.`] : []),
    ...(tight.length > 0 ? [`Nearly used up: ${labels(tight)}.`] : []),
  ]
  return [
    ...(said.length > 0
      ? [
          {
            text: `${said.join(' ')} An administrator can give the project more.`,
            action: 'Look at the limits',
            href: paths.project(projectId, 'quota'),
          },
        ]
      : []),
    ...(stopped > 0
      ? [
          {
            text: `${count(stopped, 'instance is', 'instances are')} stopped and still ${stopped === 1 ? 'counts' : 'count'} against the limits.`,
            action: 'Look at them',
            href: `${paths.instances}?status=SHUTOFF`,
          },
        ]
      : []),
    ...(keyPairs === 0
      ? [
          {
            text: 'You have no key pair: without one nobody logs in with SSH to what you launch.',
            action: 'Add a key pair',
            href: `${paths.keyPairs}?create=1`,
          },
        ]
      : []),
  ]
}

const count = (n: number, one: string, more: string): string => `${n} ${n === 1 ? one : more}`
