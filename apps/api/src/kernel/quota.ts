import type { Prisma } from '@stratolith/db'
import type { QuotaResource } from './contract.ts'
import { invariant } from './errors.ts'

/** One thing that is counted for each project, as its room says it in room.ts. */
export type QuotaWords = {
  /** In a sentence: "3 vCPUs". */
  words: string
  /**
   * Its place in the order in which the counters of a project are locked, in whichever version of this cloud: two that
   * lock in another order end each other. A new one goes behind all others.
   */
  lock: number
  /** What a project may have when neither it nor the cloud says otherwise. */
  limit: number
  /** Counted for each user, in whichever project. Default: for each project. */
  of?: 'user'
  /** The rows that the counter must agree with. Without it nothing proves the counter. */
  rows?: {
    table: string
    /** Of a row; default: 1. */
    amount?: Prisma.Sql
    /** Rows that count; default: all. */
    only?: Prisma.Sql
  }
}

const registry = new Map<QuotaResource, QuotaWords>()

/** Rooms say theirs in room.ts. */
export function defineQuota(of: Readonly<Partial<Record<QuotaResource, QuotaWords>>>): void {
  for (const [resource, words] of Object.entries(of)) registry.set(resource as QuotaResource, words)
}

/** What is counted in this cloud, in the order in which counters are locked. */
export const quotaResources = (): QuotaResource[] =>
  [...registry].sort(([, a], [, b]) => a.lock - b.lock).map(([resource]) => resource)
export const isQuotaResource = (name: unknown): name is QuotaResource => registry.has(name as QuotaResource)

/** Throws for what no room counts. */
export function quotaWords(resource: QuotaResource): QuotaWords {
  const words = registry.get(resource)
  invariant(words, `no room counts ${resource}: say it in its room.ts`)
  return words
}
