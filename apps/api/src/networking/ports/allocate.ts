import { Prisma } from '@stratolith/db'
import { toAddress, toNumber } from '@stratolith/drivers/network/ipv4'
import { heldAmong, heldIn, isHeld, isHeldBriefly } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { conflict, invariant } from '../../kernel/errors.ts'

export type PoolSubnet = {
  id: string
  cidr: string
  poolStart: string
  poolEnd: string
  gatewayIp: string | null
  dhcpIp: string | null
}
const windowSize = 64

export async function allocateAddress(ctx: Ctx, subnet: PoolSubnet, portId: string): Promise<string> {
  const given = await allocateAddresses(ctx, subnet, [portId])
  return given.get(portId) ?? ''
}

/**
 * Gives each of the ports a free address of the subnet's pool. Looks at 64 candidates at a time (or at twice the number
 * of ports, if that is more) from a random start, so the cost does not grow with the subnet. Throws conflict when the
 * pool is exhausted. In a transaction.
 */
export async function allocateAddresses(
  ctx: Ctx,
  subnet: PoolSubnet,
  portIds: readonly string[],
): Promise<Map<string, string>> {
  const start = toNumber(subnet.poolStart)
  const total = toNumber(subnet.poolEnd) - start + 1
  const offset = Math.floor(Math.random() * total)
  const size = Math.max(windowSize, 2 * portIds.length)
  const given = new Map<string, string>()
  for (let done = 0; done < total; done += size) {
    const candidates = Array.from({ length: Math.min(size, total - done) }, (_, i) =>
      toAddress(start + ((offset + done + i) % total)),
    ).filter((ip) => ip !== subnet.gatewayIp && ip !== subnet.dhcpIp)
    for (let again = true; again; ) {
      const wanting = portIds.filter((id) => !given.has(id))
      if (wanting.length === 0) return given
      again = await giveSome(ctx, subnet.id, { candidates, wanting }, given)
    }
  }
  if (given.size === portIds.length) return given
  const held = await heldIn(ctx, subnet.id)
  throw conflict(
    `Subnet ${subnet.cidr} has no free address left${held > 0 ? `, and ${held} are still in use on machines that have not let go of them` : ''}. Delete something on it, or use another network.`,
    'ipAddressGenerationFailure',
  )
}

/**
 * Returns those of the addresses that a port has, or that a machine still uses because it has not confirmed to have let
 * go of them.
 */
export async function takenAmong(
  ctx: Ctx,
  subnetId: string,
  addresses: readonly string[],
): Promise<Set<string>> {
  const rows = await ctx.db.$queryRaw<{ address: string }[]>`
    SELECT "address" FROM "PortAddress" WHERE "subnetId" = ${subnetId}::uuid AND "address" = ANY(${[...addresses]})
    UNION ALL ${heldAmong(subnetId, addresses)}`
  return new Set(rows.map((row) => row.address))
}

/**
 * Returns the reason why an address that no port has must not be given out, or null. Ask after `take`, which may have
 * waited for the transaction that gave the address back.
 */
export async function whyHeld(ctx: Ctx, subnetId: string, address: string): Promise<string | null> {
  const soon = await isHeldBriefly(ctx, subnetId, address)
  if (soon === null) return null
  return soon
    ? `IP address ${address} was given back a moment ago, and its machine has not let go of it yet. Try again in a moment, or choose another.`
    : `IP address ${address} is still in use on a machine that does not answer. Choose another, or ask an administrator.`
}

/**
 * One statement. Returns whether the same candidates are worth another look: true when an address that was free has
 * been taken in between. Addresses that another transaction is about to take are left to it, as in `take`; the OFFSET
 * keeps PostgreSQL from locking addresses that are taken.
 */
async function giveSome(
  ctx: Ctx,
  subnetId: string,
  { candidates, wanting }: { candidates: string[]; wanting: string[] },
  given: Map<string, string>,
): Promise<boolean> {
  invariant(ctx.db !== ctx.deps.root, 'addresses are taken inside a transaction')
  const rows = await ctx.db.$queryRaw<{ portId: string; address: string; won: boolean }[]>`
    WITH free AS MATERIALIZED (
      SELECT l."address", row_number() OVER () AS "n" FROM (
        SELECT f."address" FROM (
          SELECT c."address" FROM unnest(${candidates}::text[]) AS c ("address") WHERE NOT EXISTS (
            SELECT 1 FROM "PortAddress" a WHERE a."subnetId" = ${subnetId}::uuid AND a."address" = c."address")
          AND NOT ${isHeld(subnetId, Prisma.sql`c."address"`)} OFFSET 0) f
        WHERE pg_try_advisory_xact_lock(hashtextextended(${lockName(subnetId, '')}::text || f."address", 0)) LIMIT ${wanting.length}::int) l
    ), pair AS (
      SELECT p."id", f."address" FROM unnest(${wanting}::uuid[]) WITH ORDINALITY AS p ("id", "n") JOIN free f ON f."n" = p."n"
    ), taken AS (
      INSERT INTO "PortAddress" ("subnetId", "address", "portId") SELECT ${subnetId}::uuid, "address", "id" FROM pair
      ON CONFLICT DO NOTHING RETURNING "portId")
    SELECT p."id"::text AS "portId", p."address", t."portId" IS NOT NULL AS "won" FROM pair p LEFT JOIN taken t ON t."portId" = p."id"`
  for (const { portId, address, won } of rows) if (won) given.set(portId, address)
  return rows.some(({ won }) => !won)
}
const lockName = (subnetId: string, address: string) => `address:${subnetId}:${address}`

/**
 * Returns false when another port has the address or is about to get it. It does not wait for the other transaction:
 * that one may wait for an address of this transaction, which would be a deadlock.
 */
export async function take(ctx: Ctx, subnetId: string, address: string, portId: string): Promise<boolean> {
  invariant(ctx.db !== ctx.deps.root, 'addresses are taken inside a transaction')
  const rows = await ctx.db.$executeRaw(Prisma.sql`INSERT INTO "PortAddress" ("subnetId", "address", "portId")
    SELECT ${subnetId}::uuid, ${address}, ${portId}::uuid
    WHERE pg_try_advisory_xact_lock(hashtextextended(${lockName(subnetId, address)}, 0)) ON CONFLICT DO NOTHING`)
  return rows === 1
}

/**
 * Returns for each port some MAC addresses, of which the first free one is used. fa:16:3e is OpenStack's prefix, and
 * the rest is random. Of a thousand random addresses out of 2^24 two are equal in three networks of a hundred, so one
 * candidate would not be enough. No address is in two of the lists.
 */
export function macCandidates(ports: number): string[][] {
  const drawn = new Set<string>()
  return Array.from({ length: ports }, () =>
    Array.from({ length: 4 }, randomMac).filter((mac) => !drawn.has(mac) && drawn.add(mac)),
  )
}

function randomMac(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3))
  return ['fa', '16', '3e', ...[a, b, c].map((n) => n.toString(16).padStart(2, '0'))].join(':')
}
