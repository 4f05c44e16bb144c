import { Prisma } from '@stratolith/db'
import {
  namesWithImplied,
  ownerColumns,
  ownerOfToken,
  placeColumns,
  placeIsLive,
  placeOfToken,
  rolesHere,
} from '../directory/service.ts'
import type { Db, Delegation, Scope } from '../kernel/context.ts'
import { delegations } from './delegations.ts'

/** The facts of a valid token; `roles` are the effective roles, implied roles included. */
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
  /** The name of the project's domain, or of the domain that the token is scoped to. */
  scopeDomainName: string | null
  roles: ReadonlySet<string>
  /** All delegations but an EC2 credential, which is in credentialId. */
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
  issuedAtText: string
  applicationCredentialId: string | null
  trustId: string | null
  accessTokenId: string | null
}

/**
 * This query alone decides whether a token is valid. It is one indexed query (two for a token of a delegation) that
 * runs at every use, and nothing is cached, so that the loss of a right takes effect at once (A14). The rights are
 * those that the user has now. A project below a disabled project counts as disabled, too.
 */
export async function tokenFacts(db: Db, hash: string): Promise<TokenFacts | null> {
  const rows = await db.$queryRaw<Row[]>(Prisma.sql`
    SELECT t."hash", t."auditId", t."parentAuditId", t."methods", t."issuedAt", t."issuedAt"::text AS "issuedAtText", t."expiresAt", t."userId",
           ${ownerColumns},
           t."projectId", t."domainId", t."system", ${placeColumns},
           t."credentialId", t."applicationCredentialId", t."trustId", t."accessTokenId",
           ${namesWithImplied(rolesHere(Prisma.sql`t."userId"`))} AS "roles"
    FROM "Token" t
    ${ownerOfToken} ${placeOfToken}
    WHERE t."hash" = ${hash} AND t."expiresAt" > clock_timestamp()
      AND ${placeIsLive}`)
  const row = rows[0]
  if (!row) return null
  const scope = scopeOf(row)
  const delegated = [row.applicationCredentialId, row.trustId, row.accessTokenId].some((id) => id !== null)
  const given = delegated ? await delegations().given(db, row) : null
  if (delegated && given === null) return null
  const names = given ? given.held.filter((name) => given.roles.includes(name)) : row.roles
  if (scope.kind !== 'none' && names.length === 0) return null
  return { ...row, scope, roles: new Set(names), delegation: given?.delegation ?? null }
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
