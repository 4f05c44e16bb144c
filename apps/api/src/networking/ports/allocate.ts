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
    const used = await ctx.db.portAddress.findMany({
      where: { subnetId: subnet.id, address: { in: candidates } },
      select: { address: true },
    })
    const taken = new Set(used.map((row) => row.address))
    for (const address of candidates)
      if (!taken.has(address) && (await take(ctx, subnet.id, address, portId))) return address
  }
  throw conflict(
    `Subnet ${subnet.cidr} has no free address left. Delete something on it, or use another network.`,
    'ipAddressGenerationFailure',
  )
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
