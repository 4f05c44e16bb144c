import type { QuotaName } from '@stratolith/api/kernel/contract'
import { whole } from '../kit/whole.ts'

/** One limit as the form holds it. `default` goes back to the cloud's default. */
export type LimitValue = { mode: 'default' | 'limit' | 'unlimited'; limit: number | string }
export type LimitValues = Partial<Record<QuotaName, LimitValue>>

/** A limit that equals the default is shown as the default, because the two cannot be told apart. */
export function limitValue(limit: number, usual: number): LimitValue {
  if (limit === usual) return { mode: 'default', limit: Math.max(0, usual) }
  return limit < 0 ? { mode: 'unlimited', limit: Math.max(0, usual) } : { mode: 'limit', limit }
}

/** The limit as the API takes it: null is the default, -1 is unlimited. */
export const limitOf = ({ mode, limit }: LimitValue): number | null =>
  mode === 'default' ? null : mode === 'unlimited' ? -1 : Number(limit)

/** The limits that differ from those before. */
export function changedLimits(
  before: LimitValues,
  now: LimitValues,
): Partial<Record<QuotaName, number | null>> {
  const changed = (Object.entries(now) as [QuotaName, LimitValue][]).filter(([resource, value]) => {
    const old = before[resource]
    return old === undefined || limitOf(old) !== limitOf(value)
  })
  return Object.fromEntries(changed.map(([resource, value]) => [resource, limitOf(value)]))
}

const wholeLimit = whole(0, 2_147_483_647, 'A whole number')
/** What is wrong with the value, or null when it can be sent. */
export function limitProblem({ mode, limit }: LimitValue): string | null {
  return mode === 'limit' ? wholeLimit(limit) : null
}

/** What an emptied or filled field means: nothing in it is the default, or still no limit where there was none. */
export const typedLimit = (typed: number | string, unlimited: boolean): LimitValue =>
  typed === '' ? { mode: unlimited ? 'unlimited' : 'default', limit: '' } : { mode: 'limit', limit: typed }

/** Less than is there already: the API wants to be told that it is meant. */
export const belowUse = ({ mode, limit }: LimitValue, used: number): boolean =>
  mode === 'limit' && limit !== '' && Number(limit) < used
