import { Prisma, type StrayModel } from '@stratolith/db'
import type { z } from 'zod'
import type { Ctx } from '../kernel/context.ts'
import {
  type Ask,
  inOrder,
  likeLiteral,
  type Order,
  readPage,
  type Slice,
  type Sortable,
} from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { rowsOfSql } from '../kernel/sql-rows.ts'
import type { strayListInput } from './contract.ts'
import { guests } from './guests.ts'
import { type HostRow, withBeat } from './view.ts'

/** The lists of hosts and of strays that the portal and exports read. Administrators only. */

/** By what the portal sorts hosts; an amount by the share of it that instances have. */
export const sortableHosts: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }, { field: 'name' }],
  vcpus: [{ field: 'vcpus' }],
  memory: [{ field: 'memory' }],
  disk: [{ field: 'disk' }],
  instances: [{ field: 'instances' }],
  accelerator: [{ field: 'accelerator' }, { field: 'name' }],
}

/** Hosts with their last beat. The numbers of their instances are counted only where they decide the order. */
export async function queryHosts(
  ctx: Ctx,
  { where, sort, page }: Ask<{ search?: string }>,
): Promise<Slice<HostRow>> {
  authorize(ctx, 'hosts:list_hosts')
  const share = (used: string, total: string) =>
    Prisma.sql`COALESCE(${Prisma.raw(`h."${used}"::float8 / NULLIF(h."${total}", 0)`)}, 0)`
  const isCounted = sort.some(({ field }) => field === 'instances')
  const word = `%${likeLiteral(where.search ?? '')}%`
  const hosts = Prisma.sql`
    SELECT h."id"::text AS "id", h."name", h."state", h."accelerator", ${share('vcpusUsed', 'vcpus')} AS "vcpus",
      ${share('memoryMibUsed', 'memoryMib')} AS "memory", ${share('diskGibUsed', 'diskGib')} AS "disk",
      ${isCounted ? Prisma.sql`(SELECT count(*)::int FROM (${guests().placed}) t WHERE t."hostId" = h."id")` : 0} AS "instances"
    FROM "Host" h WHERE ${where.search ? Prisma.sql`h."name" ILIKE ${word}` : Prisma.sql`true`}`
  const slice = await readPage<{ id: string }>(rowsOfSql(ctx, hosts), { where: {}, sort, page })
  const ids = slice.rows.map(({ id }) => id)
  const rows = await ctx.db.host.findMany({ where: { id: { in: ids } }, include: withBeat })
  return { ...slice, rows: inOrder(ids, rows) }
}

export const sortableStrays: Sortable = { what: [{ field: 'kind' }], since: [{ field: 'firstSeenAt' }] }
export const longestKnown: Order = [{ field: 'firstSeenAt', dir: 'asc' }]

type StrayWhere = Pick<z.output<typeof strayListInput>, 'hostId' | 'kind' | 'search'>

/** Strays on hosts and in the image store. The search finds the beginning of the name by which the host knows them. */
export async function queryStrays(
  ctx: Ctx,
  { where, sort, page }: Ask<StrayWhere>,
): Promise<Slice<StrayModel>> {
  authorize(ctx, 'hosts:list_strays')
  const { hostId, kind, search } = where
  const thing = search ? { startsWith: likeLiteral(search) } : undefined
  return readPage<StrayModel>(ctx.db.stray, { where: { hostId, kind, thing }, sort, page })
}
