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
  /** But for an EC2 credential, which is credentialId beside it. */
  delegation: Exclude<Delegation, { kind: 'ec2' }> | null
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
  applicationCredentialId: string | null
  trustId: string | null
  accessTokenId: string | null
}

/** Names of the roles that `start` selects the ids of, with all that they imply; roles of one domain count for nothing. */
const namesWithImplied = (start: Prisma.Sql) => Prisma.sql`ARRAY(
  WITH RECURSIVE held("id") AS ((${start})
    UNION SELECT i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
  SELECT r."name" FROM held JOIN "Role" r ON r."id" = held."id" WHERE r."domainId" IS NULL)`

/** At the place of the token t in the project p, or inherited from above it. */
const here = Prisma.sql`((a."system" AND t."system")
  OR (NOT a."inherited" AND (a."projectId" = t."projectId" OR a."domainId" = t."domainId"))
  OR (a."inherited" AND (a."domainId" = p."domainId" OR a."projectId" = ANY(p."ancestors"))))`
/** Ids of the roles that the user has there, directly and by groups. */
const rolesHere = (userId: Prisma.Sql) => Prisma.sql`
  SELECT a."roleId" FROM "RoleAssignment" a WHERE a."userId" = ${userId} AND ${here}
  UNION ALL SELECT a."roleId" FROM "GroupMember" m JOIN "RoleAssignment" a ON a."groupId" = m."groupId"
  WHERE m."userId" = ${userId} AND ${here}`

/**
 * The one place that says whether a token is good, in one indexed query (of a delegation: two), asked
 * at every use: nothing is cached, so whatever ends a right bites at once (A14). Rights are those that
 * the user has now; disabled is everything below a disabled project, too.
 */
export async function tokenFacts(db: Db, hash: string): Promise<TokenFacts | null> {
  const rows = await db.$queryRaw<Row[]>(Prisma.sql`
    SELECT t."hash", t."auditId", t."parentAuditId", t."methods", t."issuedAt", t."expiresAt", t."userId",
           u."name" AS "userName", u."domainId" AS "userDomainId", ud."name" AS "userDomainName",
           CASE WHEN u."options"->>'ignore_password_expiry' = 'true' THEN NULL ELSE u."passwordExpiresAt" END AS "passwordExpiresAt",
           t."projectId", p."name" AS "projectName", p."domainId" AS "projectDomainId",
           t."domainId", sd."name" AS "scopeDomainName", t."system",
           t."credentialId", t."applicationCredentialId", t."trustId", t."accessTokenId",
           ${namesWithImplied(rolesHere(Prisma.sql`t."userId"`))} AS "roles"
    FROM "Token" t
    JOIN "User" u ON u."id" = t."userId" AND u."enabled" AND u."tokensValidAfter" <= t."issuedAt"
    JOIN "Domain" ud ON ud."id" = u."domainId" AND ud."enabled"
    LEFT JOIN "Project" p ON p."id" = t."projectId" AND p."enabled"
    LEFT JOIN "Domain" sd ON sd."id" = COALESCE(p."domainId", t."domainId") AND sd."enabled"
    WHERE t."hash" = ${hash} AND t."expiresAt" > clock_timestamp()
      AND (t."projectId" IS NULL OR (p."id" IS NOT NULL AND (cardinality(p."ancestors") = 0
        OR NOT EXISTS (SELECT 1 FROM "Project" x WHERE x."id" = ANY(p."ancestors") AND NOT x."enabled"))))
      AND ((t."projectId" IS NULL AND t."domainId" IS NULL) OR sd."id" IS NOT NULL)`)
  const row = rows[0]
  if (!row) return null
  const scope = scopeOf(row)
  const delegated = [row.applicationCredentialId, row.trustId, row.accessTokenId].some((id) => id !== null)
  const given = delegated ? await delegatedFacts(db, hash) : null
  if (delegated && given === null) return null
  const names = given ? given.held.filter((name) => given.roles.includes(name)) : row.roles
  if (scope.kind !== 'none' && names.length === 0) return null
  return { ...row, scope, roles: new Set(names), delegation: given && delegationOf(row, given) }
}

type Delegated = {
  /** What the one who delegates has now, and what he gave of it. */
  held: string[]
  roles: string[]
  unrestricted: boolean | null
  accessRules: AccessRule[] | null
  trustorId: string | null
  trusteeId: string | null
  impersonation: boolean | null
  consumerId: string | null
}

/**
 * What a delegation gives at most, or null when it is over: an application credential in its time; a
 * trust as long as neither it nor one that it was made from has ended and everybody involved may act; what a
 * consumer was given (OAuth 1) in its time.
 */
async function delegatedFacts(db: Db, hash: string): Promise<Delegated | null> {
  const rows = await db.$queryRaw<Delegated[]>(Prisma.sql`
    SELECT ac."unrestricted", tr."trustorId", tr."trusteeId", tr."impersonation", oa."consumerId",
      ${namesWithImplied(rolesHere(Prisma.sql`COALESCE(tr."trustorId", t."userId")`))} AS "held",
      ${namesWithImplied(Prisma.sql`
        SELECT ar."roleId" FROM "ApplicationCredentialRole" ar WHERE ar."applicationCredentialId" = t."applicationCredentialId"
        UNION ALL SELECT tt."roleId" FROM "TrustRole" tt WHERE tt."trustId" = t."trustId"
        UNION ALL SELECT unnest(oa."roleIds")`)} AS "roles",
      (SELECT json_agg(json_build_object('service', r."service", 'method', r."method", 'path', r."path"))
       FROM "ApplicationCredentialAccessRule" j JOIN "AccessRule" r ON r."id" = j."accessRuleId"
       WHERE j."applicationCredentialId" = t."applicationCredentialId") AS "accessRules"
    FROM "Token" t
    LEFT JOIN "Project" p ON p."id" = t."projectId"
    LEFT JOIN "ApplicationCredential" ac ON ac."id" = t."applicationCredentialId"
      AND ac."userId" = t."userId" AND ac."projectId" = t."projectId"
      AND (ac."expiresAt" IS NULL OR ac."expiresAt" > clock_timestamp())
    LEFT JOIN "OAuthAccessToken" oa ON oa."id" = t."accessTokenId" AND oa."userId" = t."userId"
      AND oa."projectId" = t."projectId" AND oa."expiresAt" > clock_timestamp()
    LEFT JOIN "Trust" tr ON tr."id" = t."trustId" AND tr."projectId" IS NOT DISTINCT FROM t."projectId"
      AND t."userId" = CASE WHEN tr."impersonation" THEN tr."trustorId" ELSE tr."trusteeId" END
      AND tr."deletedAt" IS NULL AND (tr."expiresAt" IS NULL OR tr."expiresAt" > clock_timestamp())
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
        WHERE xd."id" IS NULL)
    WHERE t."hash" = ${hash}
      AND (t."applicationCredentialId" IS NULL OR ac."id" IS NOT NULL) AND (t."trustId" IS NULL OR tr."id" IS NOT NULL)
      AND (t."accessTokenId" IS NULL OR oa."id" IS NOT NULL)`)
  return rows[0] ?? null
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

function delegationOf(row: Row, given: Delegated): TokenFacts['delegation'] {
  if (row.applicationCredentialId !== null)
    return {
      kind: 'application_credential',
      id: row.applicationCredentialId,
      unrestricted: given.unrestricted === true,
      accessRules: given.accessRules,
    }
  if (row.accessTokenId !== null)
    return { kind: 'oauth1', id: row.accessTokenId, consumerId: given.consumerId ?? '' }
  if (row.trustId === null) return null
  return {
    kind: 'trust',
    id: row.trustId,
    trustorId: given.trustorId ?? '',
    trusteeId: given.trusteeId ?? '',
    impersonation: given.impersonation === true,
  }
}
