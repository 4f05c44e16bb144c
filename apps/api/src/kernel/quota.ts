import type { Prisma } from '@stratolith/db'
import { type Amounts, partText, type SizeUnit, sizeIn } from './amounts.ts'
import type { QuotaResource } from './contract.ts'
import { invariant } from './errors.ts'

/** A resource that is counted for each project, as its room's room.ts describes it. */
export type QuotaWords = {
  /** The words of the resource in a sentence, such as "vCPUs" in "3 vCPUs" and "memory" in "2 GiB of memory". */
  words: string
  /** The unit of a resource that is a size. Limits are set in this unit. */
  unit?: SizeUnit
  /**
   * Its place in the order in which the counters of a project are locked. All versions of this cloud must have the same
   * order, because transactions that lock in different orders end in a deadlock. A new resource goes behind all others.
   */
  lock: number
  /** The limit of a project when neither the project nor the cloud has another one. */
  limit: number
  /** 'user': counted for each user, over all projects. Default: for each project. */
  of?: 'user'
  /** The rows that the counter must agree with. Without this the counter cannot be checked. */
  rows?: CountedRows | readonly CountedRows[]
}

/** The rows of one table that are counted. */
export type CountedRows = {
  table: string
  /** The amount of a row; default: 1. */
  amount?: Prisma.Sql
  /** The condition for rows that count; default: all rows. */
  only?: Prisma.Sql
}

const registry = new Map<QuotaResource, QuotaWords>()

/** Registers the quota resources of a room's room.ts. */
export function defineQuota(of: Readonly<Partial<Record<QuotaResource, QuotaWords>>>): void {
  for (const [resource, words] of Object.entries(of)) registry.set(resource as QuotaResource, words)
}

/** All quota resources, in the order in which counters are locked. */
export const quotaResources = (): QuotaResource[] =>
  [...registry].sort(([, a], [, b]) => a.lock - b.lock).map(([resource]) => resource)
export const isQuotaResource = (name: unknown): name is QuotaResource => registry.has(name as QuotaResource)

/** The description of a resource; throws when no room counts it. */
export function quotaWords(resource: QuotaResource): QuotaWords {
  const words = registry.get(resource)
  invariant(words, `no room counts ${resource}: say it in its room.ts`)
  return words
}

const amountsOf = ({ unit }: QuotaWords): Amounts => (unit ? sizeIn(unit) : String)
/** “1 floating IP”, “3 vCPUs”: no resource has a plural of its own. */
const nounFor = (amount: number, { words }: QuotaWords) => (amount === 1 ? words.replace(/s$/, '') : words)

/** “3 vCPUs”, “1 floating IP”, “2 GiB of memory”. */
export function quotaText(resource: QuotaResource, amount: number): string {
  const its = quotaWords(resource)
  return its.unit ? `${amountsOf(its)(amount)} of ${its.words}` : `${amount} ${nounFor(amount, its)}`
}

/** “3 more vCPUs”, “2 GiB more memory”. */
export function moreText(resource: QuotaResource, amount: number): string {
  const its = quotaWords(resource)
  return its.unit ? `${amountsOf(its)(amount)} more ${its.words}` : `${amount} more ${nounFor(amount, its)}`
}

/** “3 of 10”, “1.5 of 50 GiB”. */
export const usedText = (resource: QuotaResource, used: number, limit: number): string =>
  partText(used, limit, amountsOf(quotaWords(resource)))

/** “51200 MiB of memory”: exactly, in the unit in which limits are set. */
export function exactText(resource: QuotaResource, amount: number): string {
  const its = quotaWords(resource)
  return its.unit ? `${amount} ${its.unit} of ${its.words}` : quotaText(resource, amount)
}
