import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'
import { rowsOf } from '../kernel/gathered.ts'
import { lastOperation } from '../kernel/history.ts'
import { authorize } from '../kernel/policy.ts'
import type { Need } from './capacity.ts'
import type { HostHeld } from './contract.ts'
import { takenRoom } from './guests.ts'
import { hostEvent, loadHost } from './view.ts'

/**
 * Held addresses and held room belonged to things that were deleted, or have moved away, on a host that has not
 * confirmed this (prisma/triggers.sql, "Held"). They are held for a moment on a host that answers. On a silent host they
 * are held until the host is back, is declared fenced, or is deleted.
 */

/**
 * Gives the room of an instance back, or holds the room when the host knows the instance and has not confirmed that
 * the instance is gone. Call this in the transaction that takes the instance off the host (sets its hostId to null or
 * deletes it), because hosts.counters counts every instance with a hostId and all held room.
 */
export async function releaseHost(ctx: Ctx, hostId: string, instance: Need & { id: string }): Promise<void> {
  invariant(ctx.db !== ctx.deps.root, 'releaseHost outside a transaction')
  const { id, vcpus, memoryMib, diskGib } = instance
  const held = await ctx.db.$executeRaw`
    INSERT INTO "HeldRoom" ("hostId", "kind", "thing", "vcpus", "memoryMib", "diskGib")
    SELECT d."hostId", d."kind", d."thing", ${vcpus}::int, ${memoryMib}::int, ${diskGib}::int
    FROM "HostDocument" d JOIN "Host" h ON h."id" = d."hostId" AND h."state" <> 'fenced'
    WHERE d."hostId" = ${hostId}::uuid AND d."kind" = 'instance' AND d."thing" = ${id}::uuid FOR KEY SHARE OF d`
  if (held === 0) await giveRoomBack(ctx, hostId, instance)
}

/** The condition that no host which is not fenced may still have the thing in that column. */
export const knownNowhere = (kind: string, thing: Prisma.Sql): Prisma.Sql => Prisma.sql`
  NOT EXISTS (SELECT FROM "HostDocument" d JOIN "Host" h ON h."id" = d."hostId" AND h."state" <> 'fenced'
    WHERE d."kind" IN (${kind}, ${`held ${kind}`}) AND d."thing" = ${thing})`

/** Those of these things that a host which is not fenced may still have: it has not confirmed that they are gone. */
export async function stillKnown(ctx: Ctx, kind: string, things: readonly string[]): Promise<Set<string>> {
  if (things.length === 0) return new Set()
  const rows = await ctx.db.$queryRaw<{ thing: string }[]>`
    SELECT DISTINCT d."thing"::text AS "thing" FROM "HostDocument" d JOIN "Host" h ON h."id" = d."hostId" AND h."state" <> 'fenced'
    WHERE d."kind" IN (${kind}, ${`held ${kind}`}) AND d."thing" = ANY(${[...things]}::uuid[])`
  return new Set(rows.map(({ thing }) => thing))
}

/** Gives back room of things whose absence the host has confirmed. Call this in the transaction that deletes their row. */
export async function giveRoomBack(
  ctx: Ctx,
  hostId: string,
  { vcpus, memoryMib, diskGib }: Need,
): Promise<void> {
  invariant(ctx.db !== ctx.deps.root, 'giveRoomBack outside a transaction')
  await ctx.db.$executeRaw`
    UPDATE "Host" SET "vcpusUsed" = GREATEST("vcpusUsed" - ${vcpus}::int, 0),
      "memoryMibUsed" = GREATEST("memoryMibUsed" - ${memoryMib}::int, 0),
      "diskGibUsed" = GREATEST("diskGibUsed" - ${diskGib}::int, 0)
    WHERE "id" = ${hostId}::uuid`
  await hostEvent(ctx, hostId, 'room')
}

/** Frees everything that a host holds, because its guests are off. Call this in a transaction; it returns the numbers. */
export async function freeHeld(ctx: Ctx, hostId: string): Promise<{ addresses: number; instances: number }> {
  const { count: addresses } = await ctx.db.heldAddress.deleteMany({ where: { hostId } })
  const { count: instances } = await ctx.db.heldRoom.deleteMany({ where: { hostId } })
  return { addresses, instances }
}

/** Frees things that were deleted at the very moment at which their host was declared fenced. */
export async function freeFenced(ctx: Ctx): Promise<void> {
  const hosts = await ctx.db.host.findMany({ where: { state: 'fenced' }, select: { id: true } })
  for (const { id } of hosts) await inTransaction(ctx, (tx) => freeHeld(tx, id))
}

const heldOn = rowsOf<{ kind: string; thing: string }>((hosts) => ({
  key: Prisma.sql`"hostId"`,
  row: Prisma.sql`'kind', "kind", 'thing', "thing"`,
  from: Prisma.sql`"HostDocument" WHERE "kind" LIKE 'held %' AND "hostId" = ANY(${[...hosts]}::uuid[])`,
}))

/**
 * Frees what a host held when an older database was accepted (tools/cloud/identity.ts), except the given things, which
 * the host still has and no row knows.
 */
export async function letGoOf(
  ctx: Ctx,
  hostId: string,
  kind: string,
  unknown: Iterable<string>,
): Promise<void> {
  const still = new Set(unknown)
  const held = (await heldOn(ctx, hostId)).filter((one) => one.kind === `held ${kind}`)
  const free = held.flatMap(({ thing }) => (still.has(thing) ? [] : [thing]))
  if (free.length > 0)
    await ctx.db.hostDocument.deleteMany({ where: { hostId, kind: `held ${kind}`, thing: { in: free } } })
}

/** The room that counts on each host: that of its instances and volumes, and held room. */
export const roomTaken = () => Prisma.sql`(
  ${Prisma.join(takenRoom(), ' UNION ALL ')} UNION ALL SELECT "hostId", "vcpus", "memoryMib", "diskGib" FROM "HeldRoom")`

/** The numbers of held addresses and rooms of a host. Administrators only. Throws not_found. */
export async function hostHeld(ctx: Ctx, { id }: { id: string }): Promise<HostHeld> {
  authorize(ctx, 'hosts:get_host')
  const { state } = await loadHost(ctx, id)
  const [addresses, room, freed] = await Promise.all([
    ctx.db.heldAddress.count({ where: { hostId: id } }),
    ctx.db.heldRoom.aggregate({
      where: { hostId: id },
      _count: true,
      _sum: { vcpus: true, memoryMib: true, diskGib: true },
    }),
    state === 'fenced' ? freedBy(ctx, id) : null,
  ])
  return {
    addresses,
    instances: room._count,
    vcpus: room._sum.vcpus ?? 0,
    memoryMib: room._sum.memoryMib ?? 0,
    diskGib: room._sum.diskGib ?? 0,
    freed,
  }
}

/** What the newest fencing has freed, as fencing.ts has recorded it. */
async function freedBy(ctx: Ctx, hostId: string): Promise<HostHeld['freed']> {
  const row = await lastOperation(ctx, { resourceKind: 'host', resourceId: hostId }, 'host.fence')
  if (!row) return null
  const { freed } = row.input as { freed: { addresses: number; instances: number } }
  return { ...freed, at: row.createdAt.toISOString(), by: row.actorName }
}
