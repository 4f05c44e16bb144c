import { Prisma } from '@stratolith/db'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import {
  type Ask,
  containing,
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
  created: [{ field: 'createdAt' }],
}
export const newestGroups: Order = [{ field: 'createdAt', dir: 'desc' }]

type ServerGroupWhere = {
  search?: string
  /** For administrators, and ignored for others, as in Nova. */
  allProjects?: boolean
}

/** The server groups of the session's project; those of all projects for administrators who ask for them. */
export async function queryServerGroups(
  ctx: Ctx,
  { where, sort, page }: Ask<ServerGroupWhere>,
): Promise<Slice<ServerGroupRow>> {
  const all = seesAll(ctx) && (where.allProjects === true || ctx.scope.kind !== 'project')
  const scope = all ? {} : { projectId: projectOf(ctx) }
  authorize(ctx, 'compute:list_server_groups', scope)
  // Only the number of members is no column of the table.
  if (!sort.some(({ field }) => field === 'members'))
    return readPage<ServerGroupRow>(ctx.db.serverGroup, {
      where: { ...scope, ...(where.search ? { name: containing(where.search) } : {}) },
      include: withMembers,
      sort,
      page,
    })
  const within =
    scope.projectId === undefined ? Prisma.sql`TRUE` : Prisma.sql`g."projectId" = ${scope.projectId}`
  const word = `%${likeLiteral(where.search ?? '')}%`
  const groups = Prisma.sql`
    SELECT g."id"::text AS "id", g."name",
      (SELECT count(*)::int FROM "Instance" i WHERE i."serverGroupId" = g."id") AS "members"
    FROM "ServerGroup" g WHERE ${within} AND g."name" ILIKE ${word}`
  const slice = await readPage<{ id: string }>(rowsOfSql(ctx, groups), { where: {}, sort, page })
  const ids = slice.rows.map(({ id }) => id)
  const rows = await ctx.db.serverGroup.findMany({ where: { id: { in: ids } }, include: withMembers })
  return { ...slice, rows: inOrder(ids, rows) }
}
