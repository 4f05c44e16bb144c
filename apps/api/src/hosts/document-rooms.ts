import { Prisma } from '@stratolith/db'
import type { DocumentBodies, DocumentKind, Receipt } from '@stratolith/drivers/documents/interface'
import type { Ctx } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'

/** The functions by which a room makes its kind of document from its rows. */
export type DocumentRoom<K extends DocumentKind = DocumentKind> = {
  kind: K
  /** The wishes for these things, by id, in a constant number of queries. A thing that is missing should not exist. */
  render(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, DocumentBodies[K]>>
  /** The names of these things, by id, in a constant number of queries. A thing that is missing has no row any more. */
  names(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, ThingName>>
  /** Called with the receipts of hosts, in the transaction that records them. */
  told?(tx: Ctx, said: readonly Said[]): Promise<void>
  /**
   * A SELECT that locks the room's rows for which there are receipts (`said`: a table r with "kind" and "thing"), in the
   * same order as all other changes of these rows. It runs before the receipts are recorded.
   */
  lock?(said: Prisma.Sql): Prisma.Sql
  /** The SQL condition (given an expression of type uuid) that the thing has no row although it is still wanted. */
  isRowless?(thing: Prisma.Sql): Prisma.Sql
  /** Whether a thing that a host has kept can come back: its number and addresses must belong to nobody. */
  isFree?(ctx: Ctx, id: string, body: DocumentBodies[K]): Promise<boolean>
}
/** The name of a thing; `instanceId` is the instance of a port, and `isOff` says of an instance that it does not run. */
export type ThingName = { name: string; projectId: string; instanceId?: string; isOff?: boolean }
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

/** The locks that the rooms take first, as parts of WITH, and a condition that makes PostgreSQL run them first. */
export function lockedFirst(said: Prisma.Sql): { before: Prisma.Sql; isLocked: Prisma.Sql } {
  const locks = documentRooms().flatMap(({ kind, lock }) =>
    lock ? { name: Prisma.raw(`"locked ${kind}"`), sql: lock(said) } : [],
  )
  const before = locks.map(({ name, sql }) => Prisma.sql`${name} AS MATERIALIZED (${sql}),`)
  const isLocked = locks.map(({ name }) => Prisma.sql`AND (SELECT count(*) FROM ${name}) >= 0`)
  return { before: spaced(before), isLocked: spaced(isLocked) }
}
const spaced = (parts: readonly Prisma.Sql[]) => (parts.length > 0 ? Prisma.join(parts, ' ') : Prisma.empty)

/** The present wishes for these things, by id, to compare them with what a host has. */
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

/** Whether a thing without a row can come back as its host has kept it. */
export async function isFree<K extends DocumentKind>(
  ctx: Ctx,
  kind: K,
  id: string,
  body: DocumentBodies[K],
): Promise<boolean> {
  const room = documentRoom(kind) as unknown as DocumentRoom<K>
  return (await room.isFree?.(ctx, id, body)) ?? true
}
