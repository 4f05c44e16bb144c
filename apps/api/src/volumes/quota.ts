import type { Ctx } from '../kernel/context.ts'
import type { QuotaResource } from '../kernel/contract.ts'
import { partName, type QuotaParts } from '../kernel/quota.ts'
import { forgetParts, partsOf, type QuotaDelta, quotaOf, quotaShortfall } from '../quota/service.ts'

/** What is counted for each type, too, as Cinder counts. */
const byType = ['volumes', 'volumeGib', 'volumeSnapshots'] as const satisfies readonly QuotaResource[]
type Amounts = Partial<Record<(typeof byType)[number], number>>

/** The types of volumes as parts of what is counted. `list`: those that the caller may use. */
export const typesInQuota = (list: QuotaParts['list']): QuotaParts => ({
  resources: byType,
  words: 'of this type',
  list,
})

/** The same amounts of a project and of a type in it. Volumes and snapshots count in both. */
export const ofType = (typeId: string, amounts: Amounts): QuotaDelta => ({
  ...amounts,
  ...Object.fromEntries(byType.map((resource) => [partName(resource, typeId), amounts[resource] ?? 0])),
})

/** The sum of several deltas. */
export function sumOf(deltas: readonly QuotaDelta[]): QuotaDelta {
  const sum: Record<string, number> = {}
  for (const delta of deltas)
    for (const [name, amount = 0] of Object.entries(delta)) sum[name] = (sum[name] ?? 0) + amount
  return sum
}

/** Deletes limits and counters of a type that is being deleted. */
export const forgetTypeQuota = (tx: Ctx, typeId: string): Promise<void> =>
  forgetParts(
    tx,
    byType.map((resource) => partName(resource, typeId)),
  )

export type NewVolumes = readonly { typeId: string; sizeGib: number }[]

/**
 * The sentence why a project may not have so many new volumes of their types, or none of their size; null when it may.
 * For plans: the reservation decides.
 */
export async function whyNoQuota(
  ctx: Ctx,
  projectId: string,
  volumes: NewVolumes,
  count: number,
): Promise<string | null> {
  if (volumes.length === 0) return null
  const delta = sumOf(
    volumes.flatMap(({ typeId, sizeGib }) =>
      Array.from({ length: count }, () => partsAlone(ofType(typeId, { volumes: 1, volumeGib: sizeGib }))),
    ),
  )
  const [whole, parts] = await Promise.all([
    quotaOf(ctx, projectId),
    partsOf(ctx, projectId, Object.keys(delta) as (keyof QuotaDelta)[]),
  ])
  const each = whole.filter(({ resource }) => resource === 'volumeGibEach')
  const volumeGibEach = Math.max(...volumes.map(({ sizeGib }) => sizeGib))
  return quotaShortfall([...each, ...parts], { ...delta, volumeGibEach })
}

/** The amounts of parts without those of the whole. */
export const partsAlone = (delta: QuotaDelta): QuotaDelta =>
  Object.fromEntries(Object.entries(delta).filter(([name]) => name.includes(':')))
