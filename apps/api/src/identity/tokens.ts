import { createHash, randomBytes } from 'node:crypto'
import { Prisma } from '@stratolith/db'
import type { Ctx, Db, Deps, Scope } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { impliedRoles } from './contract.ts'

/** How long a sign-in lasts. A token made from a token never outlives it (A14.2). */
const tokenLifetimeMs = 8 * 3600_000
const tokenPrefix = 'slt_'
const tokenPattern = /^slt_[A-Za-z0-9_-]{43}$/

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
  scope: Scope
  /** Name of the domain of the project, or of the domain that the token is scoped to. */
  scopeDomainName: string | null
  roles: ReadonlySet<string>
}

export const newId = (): string => randomBytes(16).toString('hex')
const newAuditId = (): string => randomBytes(16).toString('base64url')
export const newTokenText = (): string => tokenPrefix + randomBytes(32).toString('base64url')
/** What the database keeps of a token. Plain SHA-256 suffices: the text has 256 random bits. */
export const hashToken = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Roles with those that they imply: admin → member → reader. Unknown roles imply nothing. */
export function effectiveRoles(names: readonly string[]): Set<string> {
  const roles = new Set(names)
  for (const name of names) for (const implied of impliedRoles[name] ?? []) roles.add(implied)
  return roles
}

type Row = Omit<TokenFacts, 'scope' | 'roles'> & {
  projectId: string | null
  projectName: string | null
  projectDomainId: string | null
  domainId: string | null
  system: boolean
  roles: string[]
}

/**
 * The one place that says whether a token is good, in one indexed query, asked at every use:
 * nothing is cached, so disabling, password change, role removal and sign-out bite at once (A14).
 */
export async function tokenFacts(db: Db, hash: string): Promise<TokenFacts | null> {
  const rows = await db.$queryRaw<Row[]>(Prisma.sql`
    SELECT t."hash", t."auditId", t."parentAuditId", t."methods", t."issuedAt", t."expiresAt", t."userId",
           u."name" AS "userName", u."domainId" AS "userDomainId", ud."name" AS "userDomainName",
           t."projectId", p."name" AS "projectName", p."domainId" AS "projectDomainId",
           t."domainId", sd."name" AS "scopeDomainName", t."system",
           ARRAY(SELECT r."name" FROM "RoleAssignment" a JOIN "Role" r ON r."id" = a."roleId"
                 WHERE a."userId" = t."userId"
                   AND (a."projectId" = t."projectId" OR a."domainId" = t."domainId" OR (a."system" AND t."system"))
           ) AS "roles"
    FROM "Token" t
    JOIN "User" u ON u."id" = t."userId" AND u."enabled" AND u."tokensValidAfter" <= t."issuedAt"
    JOIN "Domain" ud ON ud."id" = u."domainId" AND ud."enabled"
    LEFT JOIN "Project" p ON p."id" = t."projectId" AND p."enabled"
    LEFT JOIN "Domain" sd ON sd."id" = COALESCE(p."domainId", t."domainId") AND sd."enabled"
    WHERE t."hash" = ${hash} AND t."expiresAt" > clock_timestamp()
      AND (t."projectId" IS NULL OR p."id" IS NOT NULL)
      AND ((t."projectId" IS NULL AND t."domainId" IS NULL) OR sd."id" IS NOT NULL)`)
  const row = rows[0]
  if (!row) return null
  const scope = scopeOf(row)
  if (scope.kind !== 'none' && row.roles.length === 0) return null
  return { ...row, scope, roles: effectiveRoles(row.roles) }
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

/** The caller behind a token's text, or null when it is not good (any more). One query. */
export async function authenticate(
  deps: Deps,
  tokenText: string | undefined,
  requestId: string,
): Promise<Ctx | null> {
  if (tokenText === undefined || !tokenPattern.test(tokenText)) return null
  const facts = await tokenFacts(deps.root, hashToken(tokenText))
  return facts && ctxOf(deps, facts, requestId)
}

function ctxOf(deps: Deps, facts: TokenFacts, requestId: string): Ctx {
  return {
    actor: {
      userId: facts.userId,
      userName: facts.userName,
      domainId: facts.userDomainId,
      tokenHash: facts.hash,
    },
    scope: facts.scope,
    roles: facts.roles,
    requestId,
    log: deps.log.child({ requestId, userId: facts.userId }),
    db: deps.root,
    deps,
  }
}

/** For requests without a valid token: no roles, no scope, nobody. */
export function anonymousCtx(deps: Deps, requestId: string): Ctx {
  return {
    actor: { userId: '', userName: '', domainId: '', tokenHash: null },
    scope: { kind: 'none' },
    roles: new Set(),
    requestId,
    log: deps.log.child({ requestId }),
    db: deps.root,
    deps,
  }
}

/** For open consoles and streams: is the token with this hash still good? */
export async function sessionAlive(deps: Deps, tokenHash: string): Promise<boolean> {
  return (await tokenFacts(deps.root, tokenHash)) !== null
}

/** For open streams: does the token still give everything that `ctx` was made with? */
export async function rightsHold(ctx: Ctx): Promise<boolean> {
  const facts = ctx.actor.tokenHash === null ? null : await tokenFacts(ctx.deps.root, ctx.actor.tokenHash)
  return facts !== null && [...ctx.roles].every((role) => facts.roles.has(role))
}

export type ScopeWish =
  | { kind: 'project'; projectId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' }
  | { kind: 'none' }
export type NewToken = {
  userId: string
  scope: ScopeWish
  methods: string[]
  /** The hash that the password was compared with: changed meanwhile, the sign-in fails. */
  passwordHash?: string
  parent?: { hash: string }
}

export const unauthenticated = () =>
  new CloudError('unauthenticated', 'The request you have made requires authentication.')

/**
 * Writes a token and returns its text with what it is worth; throws unauthenticated when it would
 * be worth nothing. Holds a share lock on the user's row, which sign-out, password change and
 * disabling lock for themselves: a token is either seen by them or refused here.
 * `ctx.db` is a transaction.
 */
export async function issueToken(ctx: Ctx, wish: NewToken): Promise<{ text: string; facts: TokenFacts }> {
  const users = await ctx.db.$queryRaw<{ passwordHash: string | null }[]>`
    SELECT "passwordHash" FROM "User" WHERE "id" = ${wish.userId} AND "enabled" FOR SHARE`
  const user = users[0]
  if (!user || (wish.passwordHash !== undefined && user.passwordHash !== wish.passwordHash))
    throw unauthenticated()
  const parent = wish.parent ? await tokenFacts(ctx.db, wish.parent.hash) : null
  if (wish.parent && parent?.userId !== wish.userId) throw unauthenticated()
  const text = newTokenText()
  const hash = hashToken(text)
  const { scope } = wish
  await ctx.db.$executeRaw(Prisma.sql`
    INSERT INTO "Token" ("hash", "auditId", "parentAuditId", "userId", "projectId", "domainId", "system", "methods", "issuedAt", "expiresAt")
    VALUES (${hash}, ${newAuditId()}, ${parent ? (parent.parentAuditId ?? parent.auditId) : null}, ${wish.userId},
            ${scope.kind === 'project' ? scope.projectId : null}, ${scope.kind === 'domain' ? scope.domainId : null},
            ${scope.kind === 'system'}, ${wish.methods}, clock_timestamp(),
            COALESCE(${parent?.expiresAt ?? null}::timestamptz, clock_timestamp() + ${tokenLifetimeMs} * interval '1 millisecond'))`)
  const facts = await tokenFacts(ctx.db, hash)
  if (!facts) throw unauthenticated()
  return { text, facts }
}

/** Deletes a token and everything made from it. `ctx.db` is a transaction. Returns how many. */
export async function deleteTokens(
  ctx: Ctx,
  userId: string,
  which: { chain: string } | 'all',
): Promise<number> {
  await ctx.db.$queryRaw`SELECT 1 FROM "User" WHERE "id" = ${userId} FOR UPDATE`
  if (which === 'all') return ctx.db.$executeRaw`DELETE FROM "Token" WHERE "userId" = ${userId}`
  return ctx.db.$executeRaw`DELETE FROM "Token" WHERE "userId" = ${userId}
    AND ("auditId" = ${which.chain} OR "parentAuditId" = ${which.chain})`
}
