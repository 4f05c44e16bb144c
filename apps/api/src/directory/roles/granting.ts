import { Prisma } from '@stratolith/db'
import { type Ctx, isAdmin } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { impliedNames } from './effective.ts'

/**
 * Who hands out a right must hold it himself (A13). The cloud's administrators hold every one; the
 * administrator of a domain holds what his roles there imply, and `admin` only there, so he never
 * gives a role that comes to `admin`, which on a project would be the whole cloud.
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

/** What the assignments of somebody come to, seen from one domain. */
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
 * May the caller change this user (password, name, options)? Not one with more rights than himself:
 * who sets the password of an administrator is one a moment later.
 */
export async function demandNoMore(ctx: Ctx, user: { id: string; domainId: string }): Promise<void> {
  if (isAdmin(ctx) || user.id === ctx.actor.userId) return
  const holder = Prisma.sql`a."userId" = ${user.id}
    OR a."groupId" IN (SELECT m."groupId" FROM "GroupMember" m WHERE m."userId" = ${user.id})`
  const { outside, names } = await holdingsOf(ctx, holder, user.domainId)
  // Another administrator of the same domain is one's equal.
  if (outside || names.some((name) => name === 'admin' || !ctx.roles.has(name.replace('domain:', ''))))
    throw new CloudError(
      'forbidden',
      'This user has rights beyond yours. Ask an administrator of the cloud to change it.',
    )
}

/** May the caller let somebody into the group, that is: give him everything that the group has? */
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
