import { Prisma } from '@stratolith/db'
import { type Ctx, isAdmin } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { impliedNames } from './effective.ts'

/**
 * Callers who give a right must hold it themselves (A13). Administrators of the cloud hold every right. The
 * administrator of a domain holds the roles that their roles there imply, and `admin` in that domain only. So they may
 * not give a role that implies `admin`, which on a project would mean the whole cloud.
 */
export async function demandMayGrant(ctx: Ctx, role: { id: string; name: string }): Promise<void> {
  if (isAdmin(ctx)) return
  const names = await impliedNames(ctx, [role.id])
  if (names.has('admin') || [...names].some((name) => !ctx.roles.has(name)))
    throw new CloudError(
      'forbidden',
      `You may not give or take the role ${role.name}: it has rights that you do not hold. Ask an administrator of the cloud.`,
    )
}

/**
 * The rights of a holder, seen from one domain: whether they have roles outside of it, and the names of all their
 * roles; "domain:" stands before a role that they have on a domain alone.
 */
type Holdings = { outside: boolean; names: string[] }
async function holdingsOf(ctx: Ctx, holder: Prisma.Sql, domainId: string): Promise<Holdings> {
  const [row] = await ctx.db.$queryRaw<Holdings[]>(Prisma.sql`
    WITH RECURSIVE theirs AS (
      SELECT a.*, p."domainId" AS "ofDomain" FROM "RoleAssignment" a LEFT JOIN "Project" p ON p."id" = a."projectId"
      WHERE ${holder}),
    held("id", "alone") AS (
      SELECT "roleId", "domainId" IS NOT NULL AND NOT "inherited" FROM theirs
      UNION SELECT i."impliedRoleId", held."alone" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
    SELECT EXISTS (SELECT 1 FROM theirs WHERE "system" OR COALESCE("ofDomain", "domainId") <> ${domainId}) AS "outside",
      ARRAY(SELECT DISTINCT CASE WHEN held."alone" THEN 'domain:' ELSE '' END || r."name"
            FROM held JOIN "Role" r ON r."id" = held."id" WHERE r."domainId" IS NULL) AS "names"`)
  return row ?? { outside: false, names: [] }
}

/**
 * Refuses to change a user (password, name, options) who has more rights than the caller. A caller who could set the
 * password of an administrator would have an administrator's rights.
 */
export async function demandNoMore(ctx: Ctx, user: { id: string; domainId: string }): Promise<void> {
  if (isAdmin(ctx) || user.id === ctx.actor.userId) return
  const holder = Prisma.sql`a."userId" = ${user.id}
    OR a."groupId" IN (SELECT m."groupId" FROM "GroupMember" m WHERE m."userId" = ${user.id})`
  const { outside, names } = await holdingsOf(ctx, holder, user.domainId)
  // Another administrator of the same domain has the same rights as the caller.
  if (outside || names.some((name) => name === 'admin' || !ctx.roles.has(name.replace('domain:', ''))))
    throw new CloudError(
      'forbidden',
      'This user has rights beyond yours. Ask an administrator of the cloud to change this user.',
    )
}

/** Refuses callers who do not hold every right of the group, because its members get all of these rights. */
export async function demandMayShare(ctx: Ctx, group: { id: string; domainId: string }): Promise<void> {
  if (isAdmin(ctx)) return
  const { outside, names } = await holdingsOf(ctx, Prisma.sql`a."groupId" = ${group.id}`, group.domainId)
  if (
    outside ||
    names.some((name) => /^(domain:)?admin$/.test(name) || !ctx.roles.has(name.replace('domain:', '')))
  )
    throw new CloudError(
      'forbidden',
      'This group has rights that you do not hold. Ask an administrator of the cloud.',
    )
}
