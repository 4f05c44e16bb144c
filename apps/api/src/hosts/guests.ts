import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'

/** `rows`: of all that name the host; `there`: of those that are not deleted. */
export type GuestCounts = { rows: number; there: number; running: number; busy: number }
/** What runs on hosts is another room's (compute), which says here what this room must know of it. */
export type Guests = {
  /** By host; those without any are missing. One query. */
  counts(ctx: Ctx, hostIds: readonly string[]): Promise<ReadonlyMap<string, GuestCounts>>
  /** In the order in which they were made. One query. */
  on(ctx: Ctx, hostIds: readonly string[]): Promise<{ id: string; name: string; hostId: string | null }[]>
  /** Projects that have something there. One query. */
  projectsOn(ctx: Ctx, hostId: string): Promise<string[]>
  /** A SELECT of "hostId", "vcpus", "memoryMib" and "diskGib" of each that takes room. */
  taken: Prisma.Sql
}

let known: Guests | undefined
export function defineGuests(guests: Guests): void {
  known = guests
}

export function guests(): Guests {
  invariant(known, 'no room says what runs on hosts')
  return known
}
