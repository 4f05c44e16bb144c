import { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { whole } from '../../kernel/page.ts'
import type { RoleTarget } from '../assignment-key.ts'
import type { ProjectView } from '../contract.ts'

/** Assignments of one user, direct and through groups. */
const assignmentsOf = (userId: string) => Prisma.sql`
  mine AS (SELECT a."roleId", a."projectId", a."domainId", a."system", a."inherited" FROM "RoleAssignment" a
    WHERE a."userId" = ${userId}
       OR a."groupId" = ANY (ARRAY(SELECT m."groupId" FROM "GroupMember" m WHERE m."userId" = ${userId})))`

/** How many places an answer names at most. Longer answers are refused with an advice. */
const mostPlaces = 10_000

/**
 * Enabled projects where the user has at least one role, by name, with the effective roles there: direct, through
 * groups, inherited from above, implied. Takes one query.
 */
export async function projectsOf(ctx: Ctx, userId: string): Promise<ProjectView[]> {
  const rows = await heldProjects(ctx, userId, { limit: mostPlaces + 1 })
  return whole(rows, mostPlaces, 'List the projects of a domain instead.')
}

/** The project, or null when the user has no role there. */
export async function projectWithRole(
  ctx: Ctx,
  userId: string,
  projectId: string,
): Promise<ProjectView | null> {
  const only = Prisma.sql`AND p."id" = ${projectId}`
  return (await heldProjects(ctx, userId, { only, limit: 1 }))[0] ?? null
}

/** The user's first project by name, or `preferred` when the user has a role there. */
export async function firstProjectOf(
  ctx: Ctx,
  userId: string,
  preferred: string | null,
): Promise<ProjectView | null> {
  const first = Prisma.sql`(p."id" = ${preferred ?? ''}) DESC,`
  return (await heldProjects(ctx, userId, { first, limit: 1 }))[0] ?? null
}

function heldProjects(
  ctx: Ctx,
  userId: string,
  {
    only = Prisma.empty,
    first = Prisma.empty,
    limit,
  }: { only?: Prisma.Sql; first?: Prisma.Sql; limit: number },
): Promise<ProjectView[]> {
  return ctx.db.$queryRaw<ProjectView[]>(Prisma.sql`
    WITH RECURSIVE ${assignmentsOf(userId)},
    held("projectId", "roleId") AS (
      SELECT * FROM (
        SELECT "projectId", "roleId" FROM mine WHERE "projectId" IS NOT NULL AND NOT "inherited"
        UNION ALL SELECT x."id", mine."roleId" FROM mine JOIN "Project" x ON x."domainId" = mine."domainId" WHERE mine."inherited"
        UNION ALL SELECT x."id", mine."roleId" FROM mine JOIN "Project" x ON x."ancestors" @> ARRAY[mine."projectId"]
          WHERE mine."inherited" AND mine."projectId" IS NOT NULL) AS placed
      UNION SELECT held."projectId", i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."roleId")
    SELECT p."id", p."name", p."description", p."domainId", p."enabled", array_agg(r."name" ORDER BY r."name") AS "roles"
    FROM held JOIN "Role" r ON r."id" = held."roleId" AND r."domainId" IS NULL
    JOIN "Project" p ON p."id" = held."projectId" AND p."enabled"
    JOIN "Domain" d ON d."id" = p."domainId" AND d."enabled"
    WHERE NOT EXISTS (SELECT 1 FROM "Project" x WHERE x."id" = ANY(p."ancestors") AND NOT x."enabled") ${only}
    GROUP BY p."id" ORDER BY ${first} p."name", p."id" LIMIT ${limit}`)
}

/** Enabled domains where the user has a role, by name. A role that only the projects below inherit does not count. */
export async function domainsOf(ctx: Ctx, userId: string): Promise<{ id: string; name: string }[]> {
  const rows = await ctx.db.$queryRaw<{ id: string; name: string }[]>(Prisma.sql`
    WITH ${assignmentsOf(userId)}
    SELECT DISTINCT d."id", d."name" FROM mine JOIN "Domain" d ON d."id" = mine."domainId" AND d."enabled"
    WHERE NOT mine."inherited" ORDER BY d."name" LIMIT ${mostPlaces + 1}`)
  return whole(rows, mostPlaces, 'List the domains of the cloud instead.')
}

export async function hasSystemRole(ctx: Ctx, userId: string): Promise<boolean> {
  const rows = await ctx.db.$queryRaw<unknown[]>(Prisma.sql`
    WITH ${assignmentsOf(userId)} SELECT 1 FROM mine WHERE "system" LIMIT 1`)
  return rows.length > 0
}

/**
 * Names of the roles that each of `roleIds` implies, itself included, without roles of one domain. Unknown ids add
 * nothing.
 */
export async function impliedNames(ctx: Ctx, roleIds: readonly string[]): Promise<Set<string>> {
  const rows = await ctx.db.$queryRaw<{ name: string }[]>(Prisma.sql`
    WITH RECURSIVE held("id") AS (
      SELECT "id" FROM "Role" WHERE "id" = ANY(${[...roleIds]})
      UNION SELECT i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
    SELECT r."name" FROM held JOIN "Role" r ON r."id" = held."id" WHERE r."domainId" IS NULL`)
  return new Set(rows.map((row) => row.name))
}

/** Names of the roles that a token of the user would have at a place; empty when there are none. Takes one query. */
export async function rolesAt(ctx: Ctx, userId: string, place: RoleTarget): Promise<Set<string>> {
  const here =
    'projectId' in place
      ? Prisma.sql`JOIN "Project" p ON p."id" = ${place.projectId} WHERE (mine."projectId" = p."id" AND NOT mine."inherited")
          OR (mine."inherited" AND (mine."domainId" = p."domainId" OR mine."projectId" = ANY(p."ancestors")))`
      : 'domainId' in place
        ? Prisma.sql`WHERE mine."domainId" = ${place.domainId} AND NOT mine."inherited"`
        : Prisma.sql`WHERE mine."system"`
  const rows = await ctx.db.$queryRaw<{ name: string }[]>(Prisma.sql`
    WITH RECURSIVE ${assignmentsOf(userId)},
    held("id") AS (SELECT mine."roleId" FROM mine ${here}
      UNION SELECT i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
    SELECT r."name" FROM held JOIN "Role" r ON r."id" = held."id" WHERE r."domainId" IS NULL ORDER BY r."name"`)
  return new Set(rows.map((row) => row.name))
}
