import { Prisma } from '@stratolith/db'
import type { DocumentBodies, DocumentKind, Receipt } from '@stratolith/drivers/documents/interface'
import type { Ctx } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'

/** A kind of document: what it says is read from the rows of the room that makes it. */
export type DocumentRoom<K extends DocumentKind = DocumentKind> = {
  kind: K
  /** What these things should be, by id; one that is missing should not be there. A constant number of queries. */
  render(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, DocumentBodies[K]>>
  /** What people call them, by id; one that is missing has no row any more. A constant number of queries. */
  names(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, ThingName>>
  /** What hosts have said, in the transaction that writes it down: both are there, or neither. */
  told?(tx: Ctx, said: readonly Said[]): Promise<void>
  /**
   * A SELECT that locks those rows of the room of which hosts have `said` something (a table r with "kind" and
   * "thing"), in the order in which whatever changes them locks them: they are locked before what is written down.
   */
  lock?(said: Prisma.Sql): Prisma.Sql
  /** Condition, given an expression of type uuid: the thing has no row, and nothing took the wish for it back. */
  isRowless?(thing: Prisma.Sql): Prisma.Sql
  /** Whether a thing that a host has kept can come back as it was: what is its own (number, address) is nobody's. */
  isFree?(ctx: Ctx, id: string, body: DocumentBodies[K]): Promise<boolean>
}
/** `instanceId`: of a port, the instance that has it. */
export type ThingName = { name: string; projectId: string; instanceId?: string }
export type Said = { hostId: string; receipt: Receipt }
const rooms = new Map<DocumentKind, DocumentRoom>()
export function defineDocument<K extends DocumentKind>(room: DocumentRoom<K>): void {
  rooms.set(room.kind, room as unknown as DocumentRoom)
}

export const documentRooms = (): DocumentRoom[] => [...rooms.values()]

export function documentRoom(kind: DocumentKind): DocumentRoom {
  const room = rooms.get(kind)
  invariant(room, `nobody makes documents of kind ${kind}`)
  return room
}

/** Rows that the rooms of these things lock first, and a condition that makes PostgreSQL do it first. */
export function lockedFirst(said: Prisma.Sql): { before: Prisma.Sql; isLocked: Prisma.Sql } {
  const locks = documentRooms().flatMap(({ kind, lock }) =>
    lock ? { name: Prisma.raw(`"locked ${kind}"`), sql: lock(said) } : [],
  )
  const before = locks.map(({ name, sql }) => Prisma.sql`${name} AS MATERIALIZED (${sql}),`)
  const isLocked = locks.map(({ name }) => Prisma.sql`AND (SELECT count(*) FROM ${name}) >= 0`)
  return { before: spaced(before), isLocked: spaced(isLocked) }
}
const spaced = (parts: readonly Prisma.Sql[]) => (parts.length > 0 ? Prisma.join(parts, ' ') : Prisma.empty)

/** What these should be now, by id: to compare it with what a host has. */
export async function renderDocuments(
  ctx: Ctx,
  kind: DocumentKind,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DocumentBodies[DocumentKind]>> {
  return ids.length === 0 ? new Map() : documentRoom(kind).render(ctx, ids)
}

export async function namesOf(
  ctx: Ctx,
  kind: DocumentKind,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ThingName>> {
  return ids.length === 0 ? new Map() : documentRoom(kind).names(ctx, ids)
}

/** Whether one that has no row can come back as its host has kept it. */
export async function isFree<K extends DocumentKind>(
  ctx: Ctx,
  kind: K,
  id: string,
  body: DocumentBodies[K],
): Promise<boolean> {
  const room = documentRoom(kind) as unknown as DocumentRoom<K>
  return (await room.isFree?.(ctx, id, body)) ?? true
}
