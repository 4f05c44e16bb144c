import { Prisma } from '@stratolith/db'
import type { AccessRule, Db, Delegation, Scope } from '../kernel/context.ts'

/** Everything that is known of a valid token; `roles` are the effective ones, implied included. */
export type TokenFacts = {
  hash: string
  auditId: string
  parentAuditId: string | null
  methods: string[]
  issuedAt: Date
  expiresAt: Date
  userId: string
  userName: string
  userDomainId: string
  userDomainName: string
  passwordExpiresAt: Date | null
  scope: Scope
  /** Name of the domain of the project, or of the domain that the token is scoped to. */
  scopeDomainName: string | null
  roles: ReadonlySet<string>
  delegation: Delegation | null
  /** The EC2 credential that the token was made from. */
  credentialId: string | null
}

type Row = Omit<TokenFacts, 'scope' | 'roles' | 'delegation'> & {
  projectId: string | null
  projectName: string | null
  projectDomainId: string | null
  domainId: string | null
  system: boolean
  roles: string[]
  /** Null without a delegation. */
  delegatedRoles: string[] | null
  applicationCredentialId: string | null
  unrestricted: boolean | null
  accessRules: AccessRule[] | null
  trustId: string | null
  trustorId: string | null
  trusteeId: string | null
  impersonation: boolean | null
}

/** Names of the roles in the set "held" with all that they imply; roles of one domain count for nothing. */
const namesWithImplied = (start: Prisma.Sql) => Prisma.sql`ARRAY(
  WITH RECURSIVE held("id") AS (${start}
    UNION SELECT i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
  SELECT r."name" FROM held JOIN "Role" r ON r."id" = held."id" WHERE r."domainId" IS NULL)`

/** Assignments, direct or by a group, at the token's place or inherited from above it. */
const heldRoles = Prisma.sql`
  SELECT a."roleId" FROM "RoleAssignment" a
  WHERE (a."userId" = COALESCE(tr."trustorId", t."userId")
      OR a."groupId" IN (SELECT m."groupId" FROM "GroupMember" m WHERE m."userId" = COALESCE(tr."trustorId", t."userId")))
    AND ((a."system" AND t."system")
      OR (NOT a."inherited" AND (a."projectId" = t."projectId" OR a."domainId" = t."domainId"))
      OR (a."inherited" AND (a."domainId" = p."domainId" OR a."projectId" = ANY(p."ancestors"))))`

const delegatedRoles = Prisma.sql`
  (SELECT ar."roleId" FROM "ApplicationCredentialRole" ar WHERE ar."applicationCredentialId" = ac."id"
   UNION SELECT tt."roleId" FROM "TrustRole" tt WHERE tt."trustId" = tr."id")`

/** Good as long as neither it nor a trust it was made from is over, and everybody in between may act. */
const trustHolds = Prisma.sql`(t."trustId" IS NULL OR (
  tr."deletedAt" IS NULL AND (tr."expiresAt" IS NULL OR tr."expiresAt" > clock_timestamp())
  AND tr."projectId" IS NOT DISTINCT FROM t."projectId"
  AND NOT EXISTS (
    SELECT 1 FROM "User" x JOIN "Domain" xd ON xd."id" = x."domainId"
    WHERE x."id" IN (tr."trustorId", tr."trusteeId")
      AND NOT (x."enabled" AND xd."enabled" AND (x."id" = tr."trustorId" OR x."tokensValidAfter" <= t."issuedAt")))
  AND NOT EXISTS (
    SELECT 1 FROM unnest(tr."chain") AS c("id")
    LEFT JOIN "Trust" x ON x."id" = c."id" AND x."deletedAt" IS NULL
      AND (x."expiresAt" IS NULL OR x."expiresAt" > clock_timestamp())
    LEFT JOIN "User" xu ON xu."id" = x."trusteeId" AND xu."enabled"
    LEFT JOIN "Domain" xd ON xd."id" = xu."domainId" AND xd."enabled"
    WHERE xd."id" IS NULL)))`

const applicationCredentialHolds = Prisma.sql`(t."applicationCredentialId" IS NULL OR (
  ac."userId" = t."userId" AND ac."projectId" = t."projectId"
  AND (ac."expiresAt" IS NULL OR ac."expiresAt" > clock_timestamp())))`

/** Enabled itself and every project above it. */
const placeHolds = Prisma.sql`
  (t."projectId" IS NULL OR (p."id" IS NOT NULL AND (cardinality(p."ancestors") = 0
    OR NOT EXISTS (SELECT 1 FROM "Project" x WHERE x."id" = ANY(p."ancestors") AND NOT x."enabled"))))
  AND ((t."projectId" IS NULL AND t."domainId" IS NULL) OR sd."id" IS NOT NULL)`

/**
 * The one place that says whether a token is good, in one indexed query, asked at every use:
 * nothing is cached, so whatever ends a right bites at once (A14). Rights are those that the user
 * (of a trust: the trustor) has now; a delegation gives at most its own roles of them.
 */
export async function tokenFacts(db: Db, hash: string): Promise<TokenFacts | null> {
  const rows = await db.$queryRaw<Row[]>(Prisma.sql`
    SELECT t."hash", t."auditId", t."parentAuditId", t."methods", t."issuedAt", t."expiresAt", t."userId",
           u."name" AS "userName", u."domainId" AS "userDomainId", ud."name" AS "userDomainName",
           CASE WHEN u."options"->>'ignore_password_expiry' = 'true' THEN NULL ELSE u."passwordExpiresAt" END AS "passwordExpiresAt",
           t."projectId", p."name" AS "projectName", p."domainId" AS "projectDomainId",
           t."domainId", sd."name" AS "scopeDomainName", t."system", t."credentialId",
           t."applicationCredentialId", ac."unrestricted", t."trustId", tr."trustorId", tr."trusteeId", tr."impersonation",
           CASE WHEN t."projectId" IS NULL AND t."domainId" IS NULL AND NOT t."system" THEN '{}'
                ELSE ${namesWithImplied(heldRoles)} END AS "roles",
           CASE WHEN t."applicationCredentialId" IS NULL AND t."trustId" IS NULL THEN NULL
                ELSE ${namesWithImplied(delegatedRoles)} END AS "delegatedRoles",
           CASE WHEN t."applicationCredentialId" IS NULL THEN NULL ELSE (
             SELECT json_agg(json_build_object('service', r."service", 'method', r."method", 'path', r."path"))
             FROM "ApplicationCredentialAccessRule" j JOIN "AccessRule" r ON r."id" = j."accessRuleId"
             WHERE j."applicationCredentialId" = t."applicationCredentialId") END AS "accessRules"
    FROM "Token" t
    JOIN "User" u ON u."id" = t."userId" AND u."enabled" AND u."tokensValidAfter" <= t."issuedAt"
    JOIN "Domain" ud ON ud."id" = u."domainId" AND ud."enabled"
    LEFT JOIN "Project" p ON p."id" = t."projectId" AND p."enabled"
    LEFT JOIN "Domain" sd ON sd."id" = COALESCE(p."domainId", t."domainId") AND sd."enabled"
    LEFT JOIN "ApplicationCredential" ac ON ac."id" = t."applicationCredentialId"
    LEFT JOIN "Trust" tr ON tr."id" = t."trustId"
    WHERE t."hash" = ${hash} AND t."expiresAt" > clock_timestamp()
      AND ${placeHolds} AND ${applicationCredentialHolds} AND ${trustHolds}`)
  const row = rows[0]
  if (!row) return null
  const scope = scopeOf(row)
  const roles = new Set(
    row.delegatedRoles === null ? row.roles : row.roles.filter((name) => row.delegatedRoles?.includes(name)),
  )
  if (scope.kind !== 'none' && roles.size === 0) return null
  return { ...row, scope, roles, delegation: delegationOf(row) }
}

function scopeOf(row: Row): Scope {
  if (row.projectId !== null)
    return {
      kind: 'project',
      projectId: row.projectId,
      projectName: row.projectName ?? '',
      domainId: row.projectDomainId ?? '',
    }
  if (row.domainId !== null) return { kind: 'domain', domainId: row.domainId }
  return row.system ? { kind: 'system' } : { kind: 'none' }
}

function delegationOf(row: Row): Delegation | null {
  if (row.applicationCredentialId !== null)
    return {
      kind: 'application_credential',
      id: row.applicationCredentialId,
      unrestricted: row.unrestricted === true,
      accessRules: row.accessRules,
    }
  if (row.trustId !== null)
    return {
      kind: 'trust',
      id: row.trustId,
      trustorId: row.trustorId ?? '',
      trusteeId: row.trusteeId ?? '',
      impersonation: row.impersonation === true,
    }
  return null
}
