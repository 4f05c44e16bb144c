import type { Prisma } from '@stratolith/db'
import { type Amounts, partText, type SizeUnit, sizeIn } from './amounts.ts'
import type { Ctx } from './context.ts'
import type { QuotaName, QuotaPart, QuotaResource } from './contract.ts'
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
  /** Nothing is counted: the limit holds for each single thing. */
  each?: true
}

/** The rows of one table that are counted. */
export type CountedRows = {
  table: string
  /** The amount of a row; default: 1. */
  amount?: Prisma.Sql
  /** The condition for rows that count; default: all rows. */
  only?: Prisma.Sql
  /** The id of the part to which a row belongs, as text, when the resource is counted in parts, too. */
  part?: Prisma.Sql
  /** The rows count in their parts and not in the whole, where they are counted by other rows. */
  inPartsOnly?: true
}

/** The parts in which resources are counted beside the whole, such as the types of volumes. */
export type QuotaParts = {
  resources: readonly QuotaResource[]
  /** Words behind those of the whole in a sentence: "of this type". */
  words: string
  /** The parts that the caller may see. */
  list(ctx: Ctx): Promise<{ id: string; name: string }[]>
}

const registry = new Map<QuotaResource, QuotaWords>()
const partsOf = new Map<QuotaResource, QuotaParts>()

/** Registers the quota resources of a room's room.ts. */
export function defineQuota(of: Readonly<Partial<Record<QuotaResource, QuotaWords>>>): void {
  for (const [resource, words] of Object.entries(of)) registry.set(resource as QuotaResource, words)
}

/** Registers that these resources are counted in parts, too. */
export function defineQuotaParts(parts: QuotaParts): void {
  for (const resource of parts.resources) partsOf.set(resource, parts)
}

/** The kinds of parts in which resources are counted. */
export const quotaParts = (): QuotaParts[] => [...new Set(partsOf.values())]
export const partName = (of: QuotaResource, part: string): QuotaPart => `${of}:${part}`
/** The resource of which this is a part, or which this is. */
export const wholeOf = (name: QuotaName): QuotaResource => name.split(':', 1)[0] as QuotaResource
export const isPart = (name: QuotaName): name is QuotaPart => name.includes(':')
export const isQuotaName = (name: unknown): name is QuotaName =>
  typeof name === 'string' &&
  (isQuotaResource(name) || (/^\w+:[\da-f-]{36}$/.test(name) && partsOf.has(wholeOf(name as QuotaPart))))

/**
 * The same names in the order in which their counters are locked: those of whole resources, which all versions of the
 * cloud know, before those of parts.
 */
export const inLockOrder = (names: readonly QuotaName[]): QuotaName[] =>
  names.toSorted(
    (a, b) =>
      Number(isPart(a)) - Number(isPart(b)) ||
      quotaWords(wholeOf(a)).lock - quotaWords(wholeOf(b)).lock ||
      (a < b ? -1 : 1),
  )

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

/** “3 more vCPUs”, “2 GiB more memory”, “1 more volume of this type”. */
export function moreText(name: QuotaName, amount: number): string {
  const its = quotaWords(wholeOf(name))
  const noun = its.unit ? its.words : nounFor(amount, its)
  return `${its.unit ? amountsOf(its)(amount) : amount} more ${noun}${partWords(name)}`
}
const partWords = (name: QuotaName): string =>
  isPart(name) ? ` ${partsOf.get(wholeOf(name))?.words ?? ''}` : ''

/** “3 of 10”, “1.5 of 50 GiB”. */
export const usedText = (name: QuotaName, used: number, limit: number): string =>
  partText(used, limit, amountsOf(quotaWords(wholeOf(name))))

/** “51200 MiB of memory”: exactly, in the unit in which limits are set. */
export function exactText(name: QuotaName, amount: number): string {
  const its = quotaWords(wholeOf(name))
  const text = its.unit ? `${amount} ${its.unit} of ${its.words}` : quotaText(wholeOf(name), amount)
  return text + partWords(name)
}
