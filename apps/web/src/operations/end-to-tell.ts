import type { EventView } from '@stratolith/api/kernel/contract'
import { endCame } from '../kit/awaited.ts'
import { endOf } from './words.ts'

/** The end of an operation that the user should hear of now: every failure, and a success that this tab waits for. */
export function endToTell({
  kind,
  data,
  operationId,
  resourceId,
}: Pick<EventView, 'kind' | 'data' | 'operationId' | 'resourceId'>): {
  operationId: string
  failed: boolean
} | null {
  if (!kind.startsWith('operation.') || operationId === null) return null
  if (data.state === 'failed') return { operationId, failed: true }
  const ends = data.state === 'succeeded' && typeof data.action === 'string' && endOf(data.action) !== null
  return ends && endCame(resourceId, operationId) ? { operationId, failed: false } : null
}
