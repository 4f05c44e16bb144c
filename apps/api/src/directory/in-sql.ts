import { Prisma } from '@stratolith/db'

/**
 * The directory's part of the SQL that decides whether a token is valid (identity, delegation). The token is the row t
 * of those rooms, with "userId", "projectId", "domainId", "system" and "issuedAt". Its user is u in the domain ud, its
 * project is p, and sd is the domain of the project or of the token.
 */

/** Joins the user, who must be enabled and must not have ended their sessions since the token was issued. */
export const ownerOfToken = Prisma.sql`
  JOIN "User" u ON u."id" = t."userId" AND u."enabled" AND u."tokensValidAfter" <= t."issuedAt"
  JOIN "Domain" ud ON ud."id" = u."domainId" AND ud."enabled"`
export const ownerColumns = Prisma.sql`
  u."name" AS "userName", u."domainId" AS "userDomainId", ud."name" AS "userDomainName",
  CASE WHEN u."options"->>'ignore_password_expiry' = 'true' THEN NULL ELSE u."passwordExpiresAt" END AS "passwordExpiresAt"`

export const placeOfToken = Prisma.sql`
  LEFT JOIN "Project" p ON p."id" = t."projectId" AND p."enabled"
  LEFT JOIN "Domain" sd ON sd."id" = COALESCE(p."domainId", t."domainId") AND sd."enabled"`
export const placeColumns = Prisma.sql`
  p."name" AS "projectName", p."domainId" AS "projectDomainId", sd."name" AS "scopeDomainName"`
/** True when neither the project, a project above it, nor the domain is disabled. */
export const placeIsLive = Prisma.sql`
  (t."projectId" IS NULL OR (p."id" IS NOT NULL AND (cardinality(p."ancestors") = 0
    OR NOT EXISTS (SELECT 1 FROM "Project" x WHERE x."id" = ANY(p."ancestors") AND NOT x."enabled"))))
  AND ((t."projectId" IS NULL AND t."domainId" IS NULL) OR sd."id" IS NOT NULL)`

/**
 * Names of the roles whose ids `start` selects and of all roles that they imply. Roles of a domain are left out,
 * because they count only by the roles that they imply.
 */
export const namesWithImplied = (start: Prisma.Sql) => Prisma.sql`ARRAY(
  WITH RECURSIVE held("id") AS ((${start})
    UNION SELECT i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
  SELECT r."name" FROM held JOIN "Role" r ON r."id" = held."id" WHERE r."domainId" IS NULL)`

/** True for an assignment at the place of the token, or one that the place inherits from above. */
const here = Prisma.sql`((a."system" AND t."system")
  OR (NOT a."inherited" AND (a."projectId" = t."projectId" OR a."domainId" = t."domainId"))
  OR (a."inherited" AND (a."domainId" = p."domainId" OR a."projectId" = ANY(p."ancestors"))))`
/** Ids of the roles that the user has at the place of the token, directly and through groups. */
export const rolesHere = (userId: Prisma.Sql) => Prisma.sql`
  SELECT a."roleId" FROM "RoleAssignment" a WHERE a."userId" = ${userId} AND ${here}
  UNION ALL SELECT a."roleId" FROM "GroupMember" m JOIN "RoleAssignment" a ON a."groupId" = m."groupId"
  WHERE m."userId" = ${userId} AND ${here}`

/** Selects the ids of the users of a domain. */
export const usersOfDomain = (domainId: string) =>
  Prisma.sql`SELECT "id" FROM "User" WHERE "domainId" = ${domainId}`

/** True when the user is enabled and, with `since`, has not ended their sessions after that time. */
export const mayAct = (userId: Prisma.Sql, since?: Prisma.Sql) => Prisma.sql`EXISTS (
  SELECT 1 FROM "User" actor JOIN "Domain" home ON home."id" = actor."domainId" AND home."enabled"
  WHERE actor."id" = ${userId} AND actor."enabled"
    ${since ? Prisma.sql`AND actor."tokensValidAfter" <= ${since}` : Prisma.empty})`
