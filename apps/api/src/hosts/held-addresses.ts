import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'

/** Functions about held addresses (addresses without an owner to which a host may still answer), for the room that gives addresses out. */

export const heldIn = (ctx: Ctx, subnetId: string): Promise<number> =>
  ctx.db.heldAddress.count({ where: { subnetId } })

/** Whether the hosts that hold the address are up, so that it is free soon; null: no host holds the address. */
export async function isHeldBriefly(ctx: Ctx, subnetId: string, address: string): Promise<boolean | null> {
  const [held] = await ctx.db.$queryRaw<{ soon: boolean | null }[]>`
    SELECT bool_and(h."state" = 'up') AS "soon" FROM "HeldAddress" a JOIN "Host" h ON h."id" = a."hostId"
    WHERE a."subnetId" = ${subnetId}::uuid AND a."address" = ${address}`
  return held?.soon ?? null
}

/** A SELECT of the held addresses among these. */
export const heldAmong = (subnetId: string, addresses: readonly string[]): Prisma.Sql => Prisma.sql`
  SELECT "address" FROM "HeldAddress" WHERE "subnetId" = ${subnetId}::uuid AND "address" = ANY(${[...addresses]})`

/** The SQL condition that the address (an expression) is held. */
export const isHeld = (subnetId: string, address: Prisma.Sql): Prisma.Sql => Prisma.sql`
  EXISTS (SELECT 1 FROM "HeldAddress" h WHERE h."subnetId" = ${subnetId}::uuid AND h."address" = ${address})`

/** A SELECT of released floating IPs of a router (an expression) to which the host may still answer. */
export const releasedFrom = (hostId: string, router: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT h."address" FROM "HeldAddress" h WHERE h."hostId" = ${hostId}::uuid AND h."kind" = 'router'
    AND h."thing" = ${router} AND h."quota" = 'floatingIps' ORDER BY 1`

type Whose = { subnetIds: readonly string[]; projectId: string; quota: string }
/**
 * The number of addresses of these subnets that a project has given back and that are not free yet. `isAgain` makes the
 * condition, from expressions of subnet and address, that an address has an owner again.
 */
export async function heldOf(
  ctx: Ctx,
  { subnetIds, projectId, quota }: Whose,
  isAgain: (subnetId: Prisma.Sql, address: Prisma.Sql) => Prisma.Sql,
): Promise<number> {
  const [held] = await ctx.db.$queryRaw<{ left: number }[]>`
    SELECT count(DISTINCT (h."subnetId", h."address"))::int AS "left" FROM "HeldAddress" h
    WHERE h."subnetId" = ANY(${[...subnetIds]}::uuid[]) AND h."projectId" = ${projectId} AND h."quota" = ${quota}
      AND NOT ${isAgain(Prisma.sql`h."subnetId"`, Prisma.sql`h."address"`)}`
  return held?.left ?? 0
}
