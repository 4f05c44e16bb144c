import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Reconciler } from '../kernel/reconciler.ts'

/**
 * Networks, routers and groups are withdrawn from a host that has no port of them any more: otherwise every host would
 * have those of all projects in the end, and be told of each of their changes. They are kept for so long, in ms, because
 * the next guest often belongs to the same project.
 */
const keptMs = 10 * 60_000
/** How many hosts one round checks. So a thousand hosts are checked within ten minutes, and no round takes long. */
const hostsAtOnce = 20

type Thing = { kind: string; thing: string }
/** Since when a host has had a thing that it does not need, as far as this process has seen. */
const unneededSince = new Map<string, Map<string, number>>()
let lookedAtLast = '00000000-0000-0000-0000-000000000000'

export const withdrawal: Reconciler = { name: 'hosts.withdrawal', everyMs: 10_000, run: withdrawNext }

/** Withdraws unneeded things from the next hosts. */
async function withdrawNext(ctx: Ctx): Promise<void> {
  const hosts = await ctx.db.host.findMany({
    where: { id: { gt: lookedAtLast } },
    orderBy: { id: 'asc' },
    take: hostsAtOnce,
    select: { id: true },
  })
  const isLast = hosts.length < hostsAtOnce
  for (const { id } of hosts)
    await withdrawFrom(ctx, id).catch((err) =>
      ctx.log.warn({ err, hostId: id }, 'what a host does not need could not be withdrawn'),
    )
  lookedAtLast = isLast ? '00000000-0000-0000-0000-000000000000' : (hosts.at(-1)?.id ?? lookedAtLast)
}

/** Withdraws the things that the host has not needed for `afterMs`, as far as this process has seen. */
export async function withdrawFrom(ctx: Ctx, hostId: string, afterMs = keptMs): Promise<void> {
  const unneeded = await ctx.db.$queryRaw<Thing[]>`
    SELECT "kind", "thing"::text AS "thing" FROM stratolith_unneeded(${hostId}::uuid)`
  const before = unneededSince.get(hostId)
  const since = new Map(unneeded.map((one) => [keyOf(one), before?.get(keyOf(one)) ?? Date.now()]))
  if (since.size > 0) unneededSince.set(hostId, since)
  else unneededSince.delete(hostId)
  for (const one of unneeded) {
    if (Date.now() - (since.get(keyOf(one)) ?? 0) < afterMs) continue
    await inTransaction(
      ctx,
      (tx) =>
        tx.db.$queryRaw`SELECT stratolith_withdraw(${hostId}::uuid, ${one.kind}, ${one.thing}::uuid)::text`,
    )
  }
}

const keyOf = ({ kind, thing }: Thing) => `${kind}/${thing}`
