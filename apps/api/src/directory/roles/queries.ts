import { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { invalidInput, notFound } from '../../kernel/errors.ts'
import { type Ask, byName, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { rowsOfSql } from '../../kernel/sql-rows.ts'
import { nameClauses, type WhereOf } from '../reach.ts'
import type { AssignmentListInput, RoleListInput } from './contract.ts'

/** The lists of roles and of their assignments that the portal, OpenStack's clients and exports read. */

export const withImplied = {
  implies: { select: { implied: { select: { id: true, name: true } } } },
} satisfies Prisma.RoleInclude
export type RoleRow = Prisma.RoleGetPayload<{ include: typeof withImplied }>

/** By what the portal sorts roles. */
export const sortableRoles = byName

/** The roles of the cloud, or of one domain alone. */
export async function queryRoles(
  ctx: Ctx,
  { where, sort, page }: Ask<WhereOf<RoleListInput>>,
): Promise<Slice<RoleRow>> {
  authorize(ctx, 'identity:list_roles', { domainId: where.domainId ?? null })
  if (where.domainId !== undefined && !mayKnow(ctx, where.domainId)) throw notFound('domain', where.domainId)
  const conditions: Prisma.RoleWhereInput[] = [
    { domainKey: where.domainId ?? '' },
    ...nameClauses(where, ['description']),
  ]
  return readPage<RoleRow>(ctx.db.role, { where: { AND: conditions }, sort, page, include: withImplied })
}

/** Administrators of another domain do not see the roles of a domain. */
export const mayKnow = (ctx: Ctx, domainId: string | null): boolean =>
  domainId === null || ctx.scope.kind !== 'domain' || ctx.scope.domainId === domainId

/** An assignment with the names of its holder, role and place. */
export type AssignmentRow = {
  /** The holder, the role and the place in one text. */
  id: string
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
  /** The name of the project or of the domain; empty for the system. */
  placeName: string
  system: boolean
  inherited: boolean
}

type AssignmentWhere = WhereOf<AssignmentListInput>

/** By what the portal sorts assignments. */
export const sortableAssignments: Sortable = {
  holder: [{ field: 'holderName' }],
  role: [{ field: 'roleName' }, { field: 'holderName' }],
  place: [{ field: 'placeName' }, { field: 'holderName' }],
}

/**
 * Assignments of roles. `effective` resolves groups, inheritance and implied roles into users and real places; each
 * page of such a list works all of them out.
 */
export async function queryAssignments(
  ctx: Ctx,
  { where, sort, page }: Ask<AssignmentWhere>,
): Promise<Slice<AssignmentRow>> {
  const own = ctx.scope.kind === 'domain' ? ctx.scope.domainId : null
  authorize(ctx, 'identity:list_role_assignments', { domainId: own, userId: where.userId ?? null })
  if (where.effective && (where.groupId !== undefined || where.inherited !== undefined))
    throw invalidInput(
      'Effective assignments are those of users at real places. Leave out the group and the inheritance.',
    )
  // Callers see their own assignments everywhere, and those of others within the domain that they may read.
  const within = where.userId === ctx.actor.userId ? null : own
  const rows = Prisma.sql`
    ${where.effective ? effective(where) : Prisma.empty}
    SELECT f."key" AS "id", f."roleId", r."name" AS "roleName", r."domainId" AS "roleDomainId", f."userId", f."groupId",
      COALESCE(u."name", g."name") AS "holderName", hd."id" AS "holderDomainId", hd."name" AS "holderDomainName",
      f."projectId", p."name" AS "projectName", pd."id" AS "projectDomainId", pd."name" AS "projectDomainName",
      f."domainId", d."name" AS "domainName", COALESCE(p."name", d."name", '') AS "placeName", f."system", f."inherited"
    FROM ${where.effective ? Prisma.sql`found` : recorded(where)} f JOIN "Role" r ON r."id" = f."roleId"
    LEFT JOIN "User" u ON u."id" = f."userId" LEFT JOIN "Group" g ON g."id" = f."groupId"
    JOIN "Domain" hd ON hd."id" = COALESCE(u."domainId", g."domainId")
    LEFT JOIN "Project" p ON p."id" = f."projectId" LEFT JOIN "Domain" pd ON pd."id" = p."domainId"
    LEFT JOIN "Domain" d ON d."id" = f."domainId"
    WHERE ${all(
      where.roleId === undefined ? null : Prisma.sql`f."roleId" = ${where.roleId}`,
      within === null ? null : Prisma.sql`COALESCE(p."domainId", f."domainId") = ${within}`,
      where.effective ? Prisma.sql`r."domainId" IS NULL` : null,
    )}`
  return readPage<AssignmentRow>(rowsOfSql(ctx, rows), { where: {}, sort, page })
}

const all = (...conditions: (Prisma.Sql | null)[]): Prisma.Sql => {
  const given = conditions.filter((condition) => condition !== null)
  return given.length === 0 ? Prisma.sql`TRUE` : Prisma.join(given, ' AND ')
}

/** The condition for the place, on a relation with the columns projectId, domainId and system. */
function placeOf(at: Prisma.Sql, where: AssignmentWhere): Prisma.Sql | null {
  const { projectId, domainId, system, includeSubtree } = where
  return all(
    projectId === undefined
      ? null
      : includeSubtree
        ? Prisma.sql`${at}."projectId" = ANY(ARRAY[${projectId}::text] || ARRAY(SELECT s."id" FROM "Project" s WHERE s."ancestors" @> ARRAY[${projectId}::text]))`
        : Prisma.sql`${at}."projectId" = ${projectId}`,
    domainId === undefined ? null : Prisma.sql`${at}."domainId" = ${domainId}`,
    system ? Prisma.sql`${at}."system"` : null,
  )
}

/** Assignments as they were made; no WITH, behind which PostgreSQL would not see the order and the limit of the page. */
function recorded(where: AssignmentWhere): Prisma.Sql {
  return Prisma.sql`(SELECT a.* FROM "RoleAssignment" a WHERE ${all(
    where.userId === undefined ? null : Prisma.sql`a."userId" = ${where.userId}`,
    where.groupId === undefined ? null : Prisma.sql`a."groupId" = ${where.groupId}`,
    where.inherited === undefined ? null : Prisma.sql`a."inherited" = ${where.inherited}`,
    placeOf(Prisma.sql`a`, where),
  )})`
}

/** Assignments as they take effect, by the same rules as in token-facts.ts. */
function effective(where: AssignmentWhere): Prisma.Sql {
  const of = (holder: Prisma.Sql) =>
    where.userId === undefined ? Prisma.sql`TRUE` : Prisma.sql`${holder} = ${where.userId}`
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
      SELECT * FROM placed WHERE ${placeOf(Prisma.sql`placed`, where)}
      UNION SELECT c."userId", i."impliedRoleId", c."projectId", c."domainId", c."system"
      FROM implied c JOIN "ImpliedRole" i ON i."priorRoleId" = c."roleId"),
    found AS (
      SELECT "userId", NULL::text AS "groupId", "roleId", "projectId", "domainId", "system", FALSE AS "inherited",
        concat_ws(' ', "userId", "projectId", "domainId", "roleId") AS "key" FROM implied)`
}
