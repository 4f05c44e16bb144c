import { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { conflict, invariant } from '../../kernel/errors.ts'
import { fromNumber, toNumber } from '../ipv4.ts'

type PoolSubnet = {
  id: string
  cidr: string
  poolStart: string
  poolEnd: string
  gatewayIp: string | null
  dhcpIp: string | null
}
const windowSize = 64

/**
 * Gives `portId` a free address of the subnet's pool. Looks at 64 candidates a time from a random
 * start, so the cost does not grow with the subnet; `take` decides races. Raises conflict when the pool is exhausted. In a transaction.
 */
export async function allocateAddress(ctx: Ctx, subnet: PoolSubnet, portId: string): Promise<string> {
  const start = toNumber(subnet.poolStart)
  const total = toNumber(subnet.poolEnd) - start + 1
  const offset = Math.floor(Math.random() * total)
  for (let done = 0; done < total; done += windowSize) {
    const candidates = Array.from({ length: Math.min(windowSize, total - done) }, (_, i) =>
      fromNumber(start + ((offset + done + i) % total)),
    ).filter((ip) => ip !== subnet.gatewayIp && ip !== subnet.dhcpIp)
    if (candidates.length === 0) continue
    const taken = await takenAmong(ctx, subnet.id, candidates)
    for (const address of candidates)
      if (!taken.has(address) && (await take(ctx, subnet.id, address, portId))) return address
  }
  const held = await ctx.db.heldAddress.count({ where: { subnetId: subnet.id } })
  throw conflict(
    `Subnet ${subnet.cidr} has no free address left${held > 0 ? `, and ${held} are still in use on machines that have not let go of them` : ''}. Delete something on it, or use another network.`,
    'ipAddressGenerationFailure',
  )
}

/** Which of these belong to a port, or are still in use on a machine that has not confirmed to have let go of them. */
export async function takenAmong(
  ctx: Ctx,
  subnetId: string,
  addresses: readonly string[],
): Promise<Set<string>> {
  const rows = await ctx.db.$queryRaw<{ address: string }[]>`
    SELECT "address" FROM "PortAddress" WHERE "subnetId" = ${subnetId}::uuid AND "address" = ANY(${[...addresses]})
    UNION ALL SELECT "address" FROM "HeldAddress" WHERE "subnetId" = ${subnetId}::uuid AND "address" = ANY(${[...addresses]})`
  return new Set(rows.map((row) => row.address))
}

/**
 * Why an address that belongs to no port must not be given out, or null. Asked after `take`, which may have waited for
 * whoever gave it back.
 */
export async function whyHeld(ctx: Ctx, subnetId: string, address: string): Promise<string | null> {
  const [held] = await ctx.db.$queryRaw<{ soon: boolean | null }[]>`
    SELECT bool_and(h."state" = 'up') AS "soon" FROM "HeldAddress" a JOIN "Host" h ON h."id" = a."hostId"
    WHERE a."subnetId" = ${subnetId}::uuid AND a."address" = ${address}`
  if (!held || held.soon === null) return null
  return held.soon
    ? `IP address ${address} was given back a moment ago, and its machine has not let go of it yet. Try again in a moment, or choose another.`
    : `IP address ${address} is still in use on a machine that does not answer. Choose another, or ask an administrator.`
}

/**
 * False when somebody else has it, or is about to: waiting for another transaction, which may wait for an
 * address of this one, could end in a deadlock.
 */
export async function take(ctx: Ctx, subnetId: string, address: string, portId: string): Promise<boolean> {
  invariant(ctx.db !== ctx.deps.root, 'addresses are taken inside a transaction')
  const rows = await ctx.db.$executeRaw(Prisma.sql`INSERT INTO "PortAddress" ("subnetId", "address", "portId")
    SELECT ${subnetId}::uuid, ${address}, ${portId}::uuid
    WHERE pg_try_advisory_xact_lock(hashtextextended(${`address:${subnetId}:${address}`}, 0)) ON CONFLICT DO NOTHING`)
  return rows === 1
}

/**
 * fa:16:3e is OpenStack's prefix; the rest is random. Among a thousand ports of one network two of
 * 2^24 are alike in three runs of a hundred, so one that is free is chosen of several.
 */
export async function freeMac(ctx: Ctx, networkId: string): Promise<string> {
  const candidates = Array.from({ length: 4 }, randomMac)
  const [free] = await ctx.db.$queryRaw<{ mac: string }[]>(Prisma.sql`
    SELECT mac FROM unnest(${candidates}::text[]) AS c(mac) WHERE NOT EXISTS (
      SELECT 1 FROM "Port" p WHERE p."networkId" = ${networkId}::uuid AND p."mac" = c.mac) LIMIT 1`)
  if (!free) throw conflict('No free MAC address was found on this network. Try again.')
  return free.mac
}

function randomMac(): string {
  const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3))
  return ['fa', '16', '3e', ...[a, b, c].map((n) => n.toString(16).padStart(2, '0'))].join(':')
}
