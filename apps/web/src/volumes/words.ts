import type { QuotaResource, QuotaView } from '@stratolith/api/kernel/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { gib } from '../kit/format.ts'

/** How much the open form would take of the project's quota. */
export type Adds = { volumes: number; volumeGib: number }
export const addsOf = (adds: Adds, resource: QuotaResource): number =>
  resource === 'volumes' || resource === 'volumeGib' ? adds[resource] : 0

/** Returns the sentence of the first limit that is too low; null when the quota is large enough. */
export function tooMuch(
  quotas: readonly Pick<QuotaView, 'resource' | 'used' | 'limit'>[],
  adds: Adds,
): string | null {
  const over = quotas.find(({ resource, used, limit }) => limit >= 0 && used + addsOf(adds, resource) > limit)
  if (!over) return null
  const left = Math.max(0, over.limit - over.used)
  return over.resource === 'volumes'
    ? `The project may have ${over.limit} volumes and has ${over.used}. Delete one, or ask an administrator for more.`
    : `The project’s quota has ${left} GiB left. Choose a smaller size, or ask an administrator for more.`
}

/** Says what is lost with the volumes. */
export function lossText(volumes: readonly Pick<VolumeView, 'sizeGib'>[]): string {
  const size = gib(volumes.reduce((sum, { sizeGib }) => sum + sizeGib, 0))
  return volumes.length === 1
    ? `All data on its ${size} is deleted and cannot be brought back.`
    : `All data on them, ${size} together, is deleted and cannot be brought back.`
}
