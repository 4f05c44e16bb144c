import { Prisma } from '@stratolith/db'
import { type Ctx, projectOf } from '../../kernel/context.ts'
import {
  type Ask,
  inOrder,
  likeLiteral,
  type Order,
  readPage,
  type Slice,
  type Sortable,
} from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { rowsOfSql } from '../../kernel/sql-rows.ts'

export const withMembers = {
  instances: { select: { id: true, name: true }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
} satisfies Prisma.ServerGroupInclude
export type ServerGroupRow = Prisma.ServerGroupGetPayload<{ include: typeof withMembers }>

/** By what the portal sorts server groups. */
export const sortableServerGroups: Sortable = {
  name: [{ field: 'name' }],
  policy: [{ field: 'policy' }, { field: 'name' }],
  members: [{ field: 'members' }, { field: 'name' }],
  created: [{ field: 'created' }],
}
export const newestGroups: Order = [{ field: 'created', dir: 'desc' }]

/** The server groups of the session's project, which are as many as its quota allows. */
export async function queryServerGroups(
  ctx: Ctx,
  { where, sort, page }: Ask<{ search?: string }>,
): Promise<Slice<ServerGroupRow>> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'compute:list_server_groups', { projectId })
  const word = `%${likeLiteral(where.search ?? '')}%`
  const groups = Prisma.sql`
    SELECT g."id"::text AS "id", g."name", g."policy", (extract(epoch FROM g."createdAt") * 1000000)::bigint AS "created",
      (SELECT count(*)::int FROM "Instance" i WHERE i."serverGroupId" = g."id") AS "members"
    FROM "ServerGroup" g WHERE g."projectId" = ${projectId} AND g."name" ILIKE ${word}`
  const slice = await readPage<{ id: string }>(rowsOfSql(ctx, groups), { where: {}, sort, page })
  const ids = slice.rows.map(({ id }) => id)
  const rows = await ctx.db.serverGroup.findMany({ where: { id: { in: ids } }, include: withMembers })
  return { ...slice, rows: inOrder(ids, rows) }
}
