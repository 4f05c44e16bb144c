import { type Ctx, projectOf } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'
import type { StarterOffer } from '../contract.ts'
import { listedNetworks } from './load.ts'

/** Reads the little that the portal says before it offers a starter network, however many networks there are. */
export async function starterOffer(ctx: Ctx): Promise<StarterOffer> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'network:list')
  const seen = await listedNetworks(ctx, false, { outside: false })
  const [network, named, [found]] = await Promise.all([
    ctx.db.network.findFirst({ where: { AND: [seen, { external: false }] }, select: { id: true } }),
    ctx.db.network.findMany({
      where: { projectId, name: { startsWith: 'starter-net' } },
      select: { name: true },
    }),
    ctx.db.$queryRaw<{ out: boolean }[]>`
      SELECT EXISTS (SELECT 1 FROM "Router" r
        JOIN "Port" p ON p."deviceId" = r."id"::text AND p."deviceOwner" = 'network:router_interface'
        JOIN "Network" n ON n."id" = p."networkId" AND NOT n."external"
        WHERE r."projectId" = ${projectId} AND r."externalAddress" IS NOT NULL) AS "out"`,
  ])
  return {
    hasNetwork: network !== null,
    hasWayOut: found?.out === true,
    names: named.map(({ name }) => name),
  }
}
