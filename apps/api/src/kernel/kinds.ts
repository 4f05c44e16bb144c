import { invariant } from './errors.ts'

/** A kind of things that a room has. Its words, its path and what an event of it makes stale are the portal's. */
export type Kind = {
  /**
   * Hosts keep something of it, so its rows are buried when they go: a trigger in prisma/triggers.sql writes
   * a tombstone, and only that lets a reconciler remove what a host still has (kernel/tombstones.ts).
   */
  buried?: true
}

const kinds = new Map<string, Kind>()

/** Rooms say theirs in room.ts. */
export function defineKinds(of: Readonly<Record<string, Kind>>): void {
  for (const [name, kind] of Object.entries(of)) kinds.set(name, kind)
}
/** Every kind, by its name in the event log. */
export const kindNames = (): string[] => [...kinds.keys()]
export const buriedKinds = (): string[] =>
  [...kinds].flatMap(([name, kind]) => (kind.buried === true ? [name] : []))

/** An event of a kind that no room has would reach no page and be found in no list. */
export function demandKind(name: string): void {
  invariant(kinds.has(name), `no room has the kind ${name}: say it in its room.ts`)
}
