import { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { invalidInput } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { AssignmentList, AssignmentListInput, AssignmentView } from './contract.ts'

type Found = {
  key: string
  roleId: string
  roleName: string
  roleDomainId: string | null
  userId: string | null
  groupId: string | null
  holderName: string
  holderDomainId: string
  holderDomainName: string
  projectId: string | null
  projectName: string | null
  projectDomainId: string | null
  projectDomainName: string | null
  domainId: string | null
  domainName: string | null
  system: boolean
  inherited: boolean
}

/**
 * Lists assignments. `effective` resolves groups, inheritance and implied roles into users and real places. Takes one
 * query either way, bounded by `limit`.
 */
export async function listAssignments(ctx: Ctx, input: AssignmentListInput): Promise<AssignmentList> {
  const own = ctx.scope.kind === 'domain' ? ctx.scope.domainId : null
  authorize(ctx, 'identity:list_role_assignments', { domainId: own, userId: input.userId ?? null })
  if (input.effective && (input.groupId !== undefined || input.inherited !== undefined))
    throw invalidInput(
      'Effective assignments are those of users at real places. Leave out the group and the inheritance.',
    )
  // Callers see their own assignments everywhere, and those of others within the domain that they may read.
  const within = input.userId === ctx.actor.userId ? null : own
  const source = input.effective ? effective(input) : recorded(input)
  const rows = await ctx.db.$queryRaw<Found[]>(Prisma.sql`
    ${source}
    SELECT f."key", f."roleId", r."name" AS "roleName", r."domainId" AS "roleDomainId", f."userId", f."groupId",
      COALESCE(u."name", g."name") AS "holderName", hd."id" AS "holderDomainId", hd."name" AS "holderDomainName",
      f."projectId", p."name" AS "projectName", pd."id" AS "projectDomainId", pd."name" AS "projectDomainName",
      f."domainId", d."name" AS "domainName", f."system", f."inherited"
    FROM found f JOIN "Role" r ON r."id" = f."roleId"
    LEFT JOIN "User" u ON u."id" = f."userId" LEFT JOIN "Group" g ON g."id" = f."groupId"
    JOIN "Domain" hd ON hd."id" = COALESCE(u."domainId", g."domainId")
    LEFT JOIN "Project" p ON p."id" = f."projectId" LEFT JOIN "Domain" pd ON pd."id" = p."domainId"
    LEFT JOIN "Domain" d ON d."id" = f."domainId"
    WHERE ${all(
      input.roleId === undefined ? null : Prisma.sql`f."roleId" = ${input.roleId}`,
      within === null ? null : Prisma.sql`COALESCE(p."domainId", f."domainId") = ${within}`,
      input.effective ? Prisma.sql`r."domainId" IS NULL` : null,
    )}
    ORDER BY f."key" LIMIT ${input.limit + 1}`)
  return { items: rows.slice(0, input.limit).map(toView), truncated: rows.length > input.limit }
}

const all = (...conditions: (Prisma.Sql | null)[]): Prisma.Sql => {
  const given = conditions.filter((condition) => condition !== null)
  return given.length === 0 ? Prisma.sql`TRUE` : Prisma.join(given, ' AND ')
}

/** The condition for the place, on a relation with the columns projectId, domainId and system. */
function placeOf(at: Prisma.Sql, input: AssignmentListInput): Prisma.Sql | null {
  const { projectId, domainId, system, includeSubtree } = input
  return all(
    projectId === undefined
      ? null
      : includeSubtree
        ? Prisma.sql`(${at}."projectId" = ${projectId} OR ${at}."projectId" IN (SELECT s."id" FROM "Project" s WHERE s."ancestors" @> ARRAY[${projectId}::text]))`
        : Prisma.sql`${at}."projectId" = ${projectId}`,
    domainId === undefined ? null : Prisma.sql`${at}."domainId" = ${domainId}`,
    system ? Prisma.sql`${at}."system"` : null,
  )
}

/** Assignments as they were made. */
function recorded(input: AssignmentListInput): Prisma.Sql {
  return Prisma.sql`WITH found AS (SELECT a.* FROM "RoleAssignment" a WHERE ${all(
    input.userId === undefined ? null : Prisma.sql`a."userId" = ${input.userId}`,
    input.groupId === undefined ? null : Prisma.sql`a."groupId" = ${input.groupId}`,
    input.inherited === undefined ? null : Prisma.sql`a."inherited" = ${input.inherited}`,
    placeOf(Prisma.sql`a`, input),
  )})`
}

/** Assignments as they take effect, by the same rules as in token-facts.ts. */
function effective(input: AssignmentListInput): Prisma.Sql {
  const of = (holder: Prisma.Sql) =>
    input.userId === undefined ? Prisma.sql`TRUE` : Prisma.sql`${holder} = ${input.userId}`
  return Prisma.sql`WITH RECURSIVE
    held AS (
      SELECT a."userId", a."roleId", a."projectId", a."domainId", a."system", a."inherited"
      FROM "RoleAssignment" a WHERE a."userId" IS NOT NULL AND ${of(Prisma.sql`a."userId"`)}
      UNION SELECT m."userId", a."roleId", a."projectId", a."domainId", a."system", a."inherited"
      FROM "RoleAssignment" a JOIN "GroupMember" m ON m."groupId" = a."groupId" WHERE ${of(Prisma.sql`m."userId"`)}),
    placed AS (
      SELECT "userId", "roleId", "projectId", "domainId", "system" FROM held WHERE NOT "inherited"
      UNION SELECT held."userId", held."roleId", x."id", NULL, FALSE
      FROM held JOIN "Project" x ON x."domainId" = held."domainId" WHERE held."inherited"
      UNION SELECT held."userId", held."roleId", x."id", NULL, FALSE
      FROM held JOIN "Project" x ON x."ancestors" @> ARRAY[held."projectId"]
      WHERE held."inherited" AND held."projectId" IS NOT NULL),
    implied("userId", "roleId", "projectId", "domainId", "system") AS (
      SELECT * FROM placed WHERE ${placeOf(Prisma.sql`placed`, input)}
      UNION SELECT c."userId", i."impliedRoleId", c."projectId", c."domainId", c."system"
      FROM implied c JOIN "ImpliedRole" i ON i."priorRoleId" = c."roleId"),
    found AS (
      SELECT "userId", NULL::text AS "groupId", "roleId", "projectId", "domainId", "system", FALSE AS "inherited",
        concat_ws(' ', "userId", "projectId", "domainId", "roleId") AS "key" FROM implied)`
}

const toView = (row: Found): AssignmentView => {
  const holder = (id: string) => ({
    id,
    name: row.holderName,
    domainId: row.holderDomainId,
    domainName: row.holderDomainName,
  })
  return {
    id: row.key,
    role: { id: row.roleId, name: row.roleName, domainId: row.roleDomainId },
    user: row.userId === null ? null : holder(row.userId),
    group: row.groupId === null ? null : holder(row.groupId),
    project:
      row.projectId === null
        ? null
        : {
            id: row.projectId,
            name: row.projectName ?? '',
            domainId: row.projectDomainId ?? '',
            domainName: row.projectDomainName ?? '',
          },
    domain: row.domainId === null ? null : { id: row.domainId, name: row.domainName ?? '' },
    system: row.system,
    inherited: row.inherited,
  }
}
