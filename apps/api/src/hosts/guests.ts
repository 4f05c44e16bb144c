import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'

/** Numbers of instances: `rows` counts all rows that name the host, `there` those that are not deleted. */
export type GuestCounts = { rows: number; there: number; running: number; busy: number }
/** The functions about guests that this room needs. Guests belong to another room (compute), which registers them here. */
export type Guests = {
  /** The numbers by host, in one query; hosts without guests are missing. */
  counts(ctx: Ctx, hostIds: readonly string[]): Promise<ReadonlyMap<string, GuestCounts>>
  /** The guests on these hosts in the order in which they were made, in one query. */
  on(ctx: Ctx, hostIds: readonly string[]): Promise<{ id: string; name: string; hostId: string | null }[]>
  /** The projects that have guests on the host, in one query. */
  projectsOn(ctx: Ctx, hostId: string): Promise<string[]>
  /** A SELECT of "hostId" of each guest that takes room. */
  placed: Prisma.Sql
}

let known: Guests | undefined
export function defineGuests(guests: Guests): void {
  known = guests
}

const takers: Prisma.Sql[] = []
/** Registers things that take room on hosts: a SELECT of "hostId", "vcpus", "memoryMib" and "diskGib" of each. */
export const defineTaker = (taken: Prisma.Sql): void => void takers.push(taken)
export const takenRoom = (): readonly Prisma.Sql[] => takers

export function guests(): Guests {
  invariant(known, 'no room says what runs on hosts')
  return known
}
