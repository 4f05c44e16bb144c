import { Prisma } from '@stratolith/db'
import { mayAct, namesWithImplied, placeOfToken, rolesHere } from '../directory/service.ts'
import type { DelegatedToken, Given } from '../identity/service.ts'
import type { AccessRule, Db } from '../kernel/context.ts'

type Row = {
  /** Names of the roles that the delegating user has now, and of those that the delegation gives. */
  held: string[]
  roles: string[]
  unrestricted: boolean | null
  expiresAt: Date | null
  accessRules: AccessRule[] | null
  trustorId: string | null
  trusteeId: string | null
  impersonation: boolean | null
  consumerId: string | null
}

/**
 * Returns the most that a delegation gives, or null when the delegation has ended. An application credential and an
 * OAuth 1 access token hold until they expire. A trust holds as long as neither the trust nor a trust that it was made
 * from has ended, and all users involved may act. Takes one query.
 */
export async function given(db: Db, token: DelegatedToken): Promise<Given | null> {
  const {
    userId,
    projectId,
    domainId,
    system,
    issuedAtText,
    applicationCredentialId,
    trustId,
    accessTokenId,
  } = token
  const [row] = await db.$queryRaw<Row[]>(Prisma.sql`
    SELECT ac."unrestricted", ac."expiresAt", tr."trustorId", tr."trusteeId", tr."impersonation", oa."consumerId",
      ${namesWithImplied(rolesHere(Prisma.sql`COALESCE(tr."trustorId", t."userId")`))} AS "held",
      ${namesWithImplied(Prisma.sql`
        SELECT ar."roleId" FROM "ApplicationCredentialRole" ar WHERE ar."applicationCredentialId" = t."applicationCredentialId"
        UNION ALL SELECT tt."roleId" FROM "TrustRole" tt WHERE tt."trustId" = t."trustId"
        UNION ALL SELECT unnest(oa."roleIds")`)} AS "roles",
      (SELECT json_agg(json_build_object('service', r."service", 'method', r."method", 'path', r."path"))
       FROM "ApplicationCredentialAccessRule" j JOIN "AccessRule" r ON r."id" = j."accessRuleId"
       WHERE j."applicationCredentialId" = t."applicationCredentialId") AS "accessRules"
    FROM (SELECT ${userId}::text AS "userId", ${projectId}::text AS "projectId", ${domainId}::text AS "domainId",
        ${system}::boolean AS "system", ${issuedAtText}::text::timestamptz AS "issuedAt",
        ${applicationCredentialId}::text AS "applicationCredentialId", ${trustId}::text AS "trustId",
        ${accessTokenId}::text AS "accessTokenId") t
    ${placeOfToken}
    LEFT JOIN "ApplicationCredential" ac ON ac."id" = t."applicationCredentialId"
      AND ac."userId" = t."userId" AND ac."projectId" = t."projectId"
      AND (ac."expiresAt" IS NULL OR ac."expiresAt" > clock_timestamp())
    LEFT JOIN "OAuthAccessToken" oa ON oa."id" = t."accessTokenId" AND oa."userId" = t."userId"
      AND oa."projectId" = t."projectId" AND oa."expiresAt" > clock_timestamp()
    LEFT JOIN "Trust" tr ON tr."id" = t."trustId" AND tr."projectId" IS NOT DISTINCT FROM t."projectId"
      AND t."userId" = CASE WHEN tr."impersonation" THEN tr."trustorId" ELSE tr."trusteeId" END
      AND tr."deletedAt" IS NULL AND (tr."expiresAt" IS NULL OR tr."expiresAt" > clock_timestamp())
      AND ${mayAct(Prisma.sql`tr."trustorId"`)}
      AND (tr."trusteeId" = tr."trustorId" OR ${mayAct(Prisma.sql`tr."trusteeId"`, Prisma.sql`t."issuedAt"`)})
      AND NOT EXISTS (
        SELECT 1 FROM unnest(tr."chain") AS c("id")
        LEFT JOIN "Trust" x ON x."id" = c."id" AND x."deletedAt" IS NULL
          AND (x."expiresAt" IS NULL OR x."expiresAt" > clock_timestamp())
        WHERE x."id" IS NULL OR NOT ${mayAct(Prisma.sql`x."trusteeId"`)})
    WHERE (t."applicationCredentialId" IS NULL OR ac."id" IS NOT NULL) AND (t."trustId" IS NULL OR tr."id" IS NOT NULL)
      AND (t."accessTokenId" IS NULL OR oa."id" IS NOT NULL)`)
  return row ? { held: row.held, roles: row.roles, delegation: delegationOf(token, row) } : null
}

function delegationOf(token: DelegatedToken, row: Row): Given['delegation'] {
  if (token.applicationCredentialId !== null)
    return {
      kind: 'application_credential',
      id: token.applicationCredentialId,
      unrestricted: row.unrestricted === true,
      expiresAt: row.expiresAt,
      accessRules: row.accessRules,
    }
  if (token.accessTokenId !== null)
    return { kind: 'oauth1', id: token.accessTokenId, consumerId: row.consumerId ?? '' }
  return {
    kind: 'trust',
    id: token.trustId ?? '',
    trustorId: row.trustorId ?? '',
    trusteeId: row.trusteeId ?? '',
    impersonation: row.impersonation === true,
  }
}
