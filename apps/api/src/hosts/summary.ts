import type { Ctx } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'
import type { HostsSummary } from './contract.ts'

type Sums = Record<'up' | 'suspect' | 'down' | 'fenced' | 'disabled', bigint> &
  Record<'vcpus' | 'memoryMib' | 'diskGib' | 'vcpusUsed' | 'memoryMibUsed' | 'diskGibUsed', bigint>

/** How many hosts there are and how full they are together: one query, however many. */
export async function summarizeHosts(ctx: Ctx): Promise<HostsSummary> {
  authorize(ctx, 'hosts:list_hosts')
  const [row] = await ctx.db.$queryRaw<Sums[]>`
    SELECT count(*) FILTER (WHERE "state" = 'up') AS "up", count(*) FILTER (WHERE "state" = 'suspect') AS "suspect",
      count(*) FILTER (WHERE "state" = 'down') AS "down", count(*) FILTER (WHERE "state" = 'fenced') AS "fenced",
      count(*) FILTER (WHERE NOT "enabled") AS "disabled",
      COALESCE(sum("vcpus"), 0)::bigint AS "vcpus", COALESCE(sum("vcpusUsed"), 0)::bigint AS "vcpusUsed",
      COALESCE(sum("memoryMib"), 0)::bigint AS "memoryMib", COALESCE(sum("memoryMibUsed"), 0)::bigint AS "memoryMibUsed",
      COALESCE(sum("diskGib"), 0)::bigint AS "diskGib", COALESCE(sum("diskGibUsed"), 0)::bigint AS "diskGibUsed"
    FROM "Host"`
  const of = (name: keyof Sums) => Number(row?.[name] ?? 0)
  return {
    up: of('up'),
    suspect: of('suspect'),
    down: of('down'),
    fenced: of('fenced'),
    disabled: of('disabled'),
    vcpus: { used: of('vcpusUsed'), total: of('vcpus') },
    memoryMib: { used: of('memoryMibUsed'), total: of('memoryMib') },
    diskGib: { used: of('diskGibUsed'), total: of('diskGib') },
  }
}
