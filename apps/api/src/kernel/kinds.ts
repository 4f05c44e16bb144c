import { invariant } from './errors.ts'

/** A kind of things of a room. The portal's room.ts has its words, its path and the queries that its events make stale. */
export type Kind = {
  /**
   * True when hosts keep something of the kind. Then a trigger in prisma/triggers.sql writes a tombstone when a row
   * goes, and only the tombstone lets a reconciler remove what a host still has (kernel/tombstones.ts).
   */
  buried?: true
}

const kinds = new Map<string, Kind>()

/** Registers the kinds of a room's room.ts. */
export function defineKinds(of: Readonly<Record<string, Kind>>): void {
  for (const [name, kind] of Object.entries(of)) kinds.set(name, kind)
}
/** The names of all kinds, as in the event log. */
export const kindNames = (): string[] => [...kinds.keys()]
export const buriedKinds = (): string[] =>
  [...kinds].flatMap(([name, kind]) => (kind.buried === true ? [name] : []))

/** Throws when no room has the kind: its events would reach no page and be found in no list. */
export function demandKind(name: string): void {
  invariant(kinds.has(name), `no room has the kind ${name}: say it in its room.ts`)
}
