import type { QuotaResource, QuotaView } from '@stratolith/api/kernel/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { gib } from '../kit/format.ts'

/** How much the open form would take of the project's quota; only these limits concern the form. */
export type Adds = Partial<Record<QuotaResource, number>>
export const addsOf = (adds: Adds, resource: QuotaResource): number => adds[resource] ?? 0

/** Returns the sentence of the first limit that is too low; null when the quota is large enough. */
export function tooMuch(
  quotas: readonly Pick<QuotaView, 'resource' | 'used' | 'limit'>[],
  adds: Adds,
): string | null {
  const over = quotas.find(({ resource, used, limit }) => limit >= 0 && used + addsOf(adds, resource) > limit)
  if (!over) return null
  const left = Math.max(0, over.limit - over.used)
  if (over.resource !== 'volumeGib')
    return `The project may have ${over.limit} ${over.resource === 'volumes' ? 'volumes' : 'volume snapshots'} and has ${over.used}. Delete one, or ask an administrator for more.`
  const way = adds.volumeSnapshots ? 'Delete something' : 'Choose a smaller size'
  return `The project’s quota has ${left} GiB left. ${way}, or ask an administrator for more.`
}

/** Says what is lost with the volumes. */
export function lossText(volumes: readonly Pick<VolumeView, 'sizeGib'>[]): string {
  const size = gib(volumes.reduce((sum, { sizeGib }) => sum + sizeGib, 0))
  return volumes.length === 1
    ? `All data on its ${size} is deleted and cannot be brought back.`
    : `All data on them, ${size} together, is deleted and cannot be brought back.`
}
