import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { type Ask, byName, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { domainFilter, nameClauses, type WhereOf } from '../reach.ts'
import type { GroupListInput, UserListInput } from './contract.ts'
import { loadUser } from './load.ts'
import { type UserRow, userColumns } from './views.ts'

/** The lists of users and of groups that the portal, OpenStack's clients and exports read. */

/** By what the portal sorts users. */
export const sortableUsers: Sortable = {
  ...byName,
  state: [{ field: 'enabled' }],
  domain: [{ field: 'domain.name' }, { field: 'name' }],
  lastActiveAt: [{ field: 'lastActiveAt', nullable: true }],
}

/** The users of a domain, or those of the whole cloud for callers who may see all of them. */
export async function queryUsers(
  ctx: Ctx,
  { where, sort, page }: Ask<WhereOf<UserListInput>>,
): Promise<Slice<UserRow>> {
  const { enabled, groupId, passwordExpires } = where
  const conditions: Prisma.UserWhereInput[] = [
    domainFilter(ctx, 'identity:list_users', where.domainId),
    ...nameClauses(where, ['email', 'description']),
    enabled === undefined ? {} : { enabled },
    groupId === undefined ? {} : { memberships: { some: { groupId } } },
    passwordExpires ? expiring(passwordExpires) : {},
  ]
  // The columns are selected by name, so that no digest of a password leaves the database.
  return readPage<UserRow>(selecting(ctx), { where: { AND: conditions }, sort, page })
}

const selecting = (ctx: Ctx) => ({
  // A sort by the domain includes it; these columns have it anyway.
  findMany: ({ include: _included, ...args }: Omit<Prisma.UserFindManyArgs, 'select' | 'omit'>) =>
    ctx.db.user.findMany({ ...args, select: userColumns }),
  findFirst: (args: Prisma.UserFindFirstArgs) => ctx.db.user.findFirst(args),
  count: (args: Prisma.UserCountArgs) => ctx.db.user.count(args),
})

const comparisons = { lt: 'lt', lte: 'lte', gt: 'gt', gte: 'gte', eq: 'equals' } as const
/** "Not at" a time is before or after it, which are two ranges of the index. */
function expiring({ operator, at }: NonNullable<UserListInput['passwordExpires']>): Prisma.UserWhereInput {
  const moment = new Date(at)
  return operator === 'neq'
    ? { OR: [{ passwordExpiresAt: { lt: moment } }, { passwordExpiresAt: { gt: moment } }] }
    : { passwordExpiresAt: { [comparisons[operator]]: moment } }
}

const inDomain = { domain: { select: { name: true } } } satisfies Prisma.GroupInclude
export const withMembers = {
  ...inDomain,
  _count: { select: { members: true } },
} satisfies Prisma.GroupInclude
export type GroupRow = Prisma.GroupGetPayload<{ include: typeof withMembers }>

/** By what the portal sorts groups. */
export const sortableGroups: Sortable = { ...byName, domain: [{ field: 'domain.name' }, { field: 'name' }] }

/** The groups of a domain or of the whole cloud. With `userId`, the groups of that user; all users may list their own. */
export async function queryGroups(
  ctx: Ctx,
  { where, sort, page }: Ask<WhereOf<GroupListInput>>,
): Promise<Slice<GroupRow>> {
  const { userId, domainId } = where
  const conditions: Prisma.GroupWhereInput[] = [
    userId === undefined
      ? domainFilter(ctx, 'identity:list_groups', domainId)
      : { members: { some: { userId } }, ...(domainId ? { domainId } : {}) },
    ...nameClauses(where, ['description']),
  ]
  if (userId !== undefined) await loadUser(ctx, userId, 'identity:list_groups_of_user')
  const slice = await readPage<Omit<GroupRow, '_count'>>(ctx.db.group, {
    ...{ where: { AND: conditions }, sort, page, include: inDomain },
  })
  const members = await memberCounts(
    ctx,
    slice.rows.map((row) => row.id),
  )
  return {
    ...slice,
    rows: slice.rows.map((row) => ({ ...row, _count: { members: members.get(row.id) ?? 0 } })),
  }
}

/** Counts the members of the groups of one page only. Prisma's own count in a list would go through all memberships. */
async function memberCounts(ctx: Ctx, groupIds: string[]): Promise<Map<string, number>> {
  const rows = await ctx.db.groupMember.groupBy({
    by: ['groupId'],
    where: { groupId: { in: groupIds } },
    _count: true,
  })
  return new Map(rows.map((row) => [row.groupId, row._count]))
}
