import type { QuotaResource } from '@stratolith/api/kernel/contract'
import { joined, type QuotaWords } from '../kit/room.ts'
import { rooms } from '../rooms.ts'

/** The name of each limit and the form of its numbers, in the order in which pages show them. */
export const quotaWords = joined<QuotaWords>(
  'quota',
  rooms.map(({ quota }) => quota),
) as Record<QuotaResource, QuotaWords>
export const quotaOrder = Object.keys(quotaWords) as QuotaResource[]

/** “20”, “50 GiB”, “unlimited”. */
export function amountText({ format }: Pick<QuotaWords, 'format'>, amount: number): string {
  return amount < 0 ? 'unlimited' : format ? format(amount) : amount.toLocaleString('en')
}
