import { createHash, randomBytes } from 'node:crypto'
import { Prisma } from '@stratolith/db'
import { lockUser, type Place, shareUsers, usersOfDomain } from '../directory/service.ts'
import type { Ctx, Deps } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { appendEventsWith, firstIn, type NewEvent } from '../kernel/events.ts'
import type { RequestFacts } from '../openstack/mount.ts'
import { delegations } from './delegations.ts'
import { type TokenFacts, tokenFacts } from './token-facts.ts'

/** How long a sign-in lasts. A token made from a token never outlives it (A14.2). */
const tokenLifetimeMs = 8 * 3600_000
const tokenPrefix = 'slt_'
/** The prefix of a token that a consumer signed for (OAuth 1). */
const oauthPrefix = 'slo_'
const tokenPattern = /^sl[to]_[A-Za-z0-9_-]{43}$/

const newAuditId = (): string => randomBytes(16).toString('base64url')
export const newTokenText = (prefix = tokenPrefix): string => prefix + randomBytes(32).toString('base64url')
/**
 * The digest of a token that the database stores. Plain SHA-256 suffices, because the text has 256 random bits. Tokens
 * of OAuth have another digest: a version without OAuth would take them for the user's own tokens, so it must not find
 * them.
 */
export const hashToken = (text: string): string =>
  createHash('sha256')
    .update(text.startsWith(oauthPrefix) ? `OAuth ${text}` : text)
    .digest('hex')

/** The caller of a token's text, or null when the token is not valid (any more). Takes one query. */
export async function authenticate(
  deps: Deps,
  tokenText: string | undefined,
  requestId: string,
): Promise<Ctx | null> {
  if (tokenText === undefined || !tokenPattern.test(tokenText)) return null
  return authenticateAgain(deps, hashToken(tokenText), requestId)
}

/** The caller of a token's stored digest, with the rights that the caller has now; null when the token is not valid. */
export async function authenticateAgain(
  deps: Deps,
  tokenHash: string,
  requestId: string,
): Promise<Ctx | null> {
  const facts = await tokenFacts(deps.root, tokenHash)
  return facts && ctxOf(deps, facts, requestId)
}

/**
 * The caller of a request to a façade. Throws forbidden when the access rules of an application credential do not allow
 * the request.
 */
export async function authenticateRequest(
  deps: Deps,
  tokenText: string | undefined,
  request: RequestFacts,
): Promise<Ctx | null> {
  const ctx = await authenticate(deps, tokenText, request.id)
  const delegation = ctx?.actor.delegation
  if (delegation?.kind === 'application_credential' && delegation.accessRules !== null)
    delegations().demandAccess(delegation.accessRules, request)
  return ctx
}

function ctxOf(deps: Deps, facts: TokenFacts, requestId: string): Ctx {
  return {
    actor: {
      userId: facts.userId,
      userName: facts.userName,
      domainId: facts.userDomainId,
      tokenHash: facts.hash,
      delegation:
        facts.delegation ?? (facts.credentialId === null ? null : { kind: 'ec2', id: facts.credentialId }),
    },
    scope: facts.scope,
    roles: facts.roles,
    requestId,
    log: deps.log.child({ requestId, userId: facts.userId }),
    db: deps.root,
    deps,
  }
}

/** Refuses application credentials with access rules at the portal's own doors, which no access rule can name. */
export function refuseAccessRules({ actor: { delegation } }: Ctx): void {
  if (delegation?.kind === 'application_credential' && delegation.accessRules !== null)
    throw new CloudError(
      'forbidden',
      'This application credential is for the requests of its access rules only; use it with the OpenStack API.',
    )
}

/** The context of requests without a valid token: no user, no roles, no scope. */
export function anonymousCtx(deps: Deps, requestId: string): Ctx {
  return {
    actor: { userId: '', userName: '', domainId: '', tokenHash: null, delegation: null },
    scope: { kind: 'none' },
    roles: new Set(),
    requestId,
    log: deps.log.child({ requestId }),
    db: deps.root,
    deps,
  }
}

/** For open consoles and streams: tells whether the token with this digest is still valid. */
export async function sessionAlive(deps: Deps, tokenHash: string): Promise<boolean> {
  return (await tokenFacts(deps.root, tokenHash)) !== null
}

/** For open streams: the roles that the token gives now, or null when it is not valid any more. */
export async function rightsNow({ actor, deps }: Ctx): Promise<ReadonlySet<string> | null> {
  const facts = actor.tokenHash === null ? null : await tokenFacts(deps.root, actor.tokenHash)
  return facts === null ? null : facts.roles
}

export type ScopeWish =
  | { kind: 'project'; projectId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' }
  | { kind: 'none' }
export type NewToken = {
  userId: string
  /** The user who proved who they are: the trustee of a trust with impersonation. When left out, this is `userId`. */
  signerId?: string
  scope: ScopeWish
  methods: string[]
  /** The hash that the signer's password was compared with. When the hash has changed meanwhile, the sign-in fails. */
  passwordHash?: string
  /** The token that this token is made from. The new token has the same delegation and expires no later. */
  parent?: { hash: string }
  applicationCredentialId?: string
  /** The trust that the token is made by. `userId` is the trustor with impersonation, else the trustee. */
  trustId?: string
  /** The EC2 credential whose key signed the request. */
  credentialId?: string
  /** OAuth 1: the access token of the consumer that signed. */
  accessTokenId?: string
  /** When the delegation expires, and the token with it. */
  notAfter?: Date | null
  /** Other users on whose rights the token depends; their rows are locked, too. */
  concerned?: readonly string[]
  /** The source and program of the sign-in, for the list of sessions. */
  origin?: Origin
}
export type Origin = { source: string; userAgent: string }

export const unauthenticated = () =>
  new CloudError('unauthenticated', 'The request you have made requires authentication.')

/**
 * For `catch`: null for a user who cannot have a token (any more), so that the answer is that of a wrong proof. Throws
 * other errors.
 */
export function refused(error: unknown): null {
  if (error instanceof CloudError && error.code === 'unauthenticated') return null
  throw error
}

/**
 * Writes a token and returns its text with its facts. Throws unauthenticated for a token that would not be valid. Holds
 * a share lock on the rows of the users involved, which sign-out, change of password and disabling lock exclusively:
 * these either see the token, or the token is refused here. `ctx.db` is a transaction.
 */
export async function issueToken(ctx: Ctx, wish: NewToken): Promise<{ text: string; facts: TokenFacts }> {
  await lockUsers(ctx, wish)
  const parent = wish.parent ? await lockedParent(ctx, wish.parent.hash) : null
  if (wish.parent && parent?.userId !== (wish.signerId ?? wish.userId)) throw unauthenticated()
  const via = parent ? inherited(parent, wish) : wish
  const text = newTokenText(wish.accessTokenId === undefined ? tokenPrefix : oauthPrefix)
  const hash = hashToken(text)
  const { scope, origin } = wish
  const token = Prisma.sql`token AS (
    INSERT INTO "Token" ("hash", "auditId", "parentAuditId", "userId", "projectId", "domainId", "system", "methods",
                         "applicationCredentialId", "trustId", "credentialId", "accessTokenId", "source", "userAgent", "issuedAt", "expiresAt")
    VALUES (${hash}, ${newAuditId()}, ${parent ? (parent.parentAuditId ?? parent.auditId) : null}, ${wish.userId},
            ${scope.kind === 'project' ? scope.projectId : null}, ${scope.kind === 'domain' ? scope.domainId : null},
            ${scope.kind === 'system'}, ${wish.methods},
            ${via.applicationCredentialId ?? null}, ${via.trustId ?? null}, ${via.credentialId ?? null},
            ${wish.accessTokenId ?? null},
            ${printable(origin?.source)}, ${printable(origin?.userAgent)}, clock_timestamp(),
            LEAST(COALESCE(${parent?.expiresAt ?? null}::timestamptz, clock_timestamp() + ${tokenLifetimeMs} * interval '1 millisecond'),
                  ${wish.notAfter ?? null}::timestamptz)))`
  const actor = { ...ctx.actor, userId: wish.signerId ?? wish.userId }
  const event = signedIn(wish)
  // Programs sign in for each command, so the same sign-in from the same source is recorded once a minute.
  const first = firstIn(60_000, event, actor.userId)
  await appendEventsWith({ ...ctx, actor }, parent ? [] : [event], [token, first], 'first')
  const facts = await tokenFacts(ctx.db, hash)
  if (!facts) throw unauthenticated()
  return { text, facts }
}

/**
 * The event of a sign-in with a proof. A token made from a token is the same session in another place and has no event.
 */
const signedIn = ({ userId, methods, scope, origin }: NewToken): NewEvent => ({
  kind: 'session.started',
  projectId: null,
  resourceKind: 'signIn',
  resourceId: userId,
  data: { methods, scope: scope.kind, source: printable(origin?.source) },
})

async function lockUsers(ctx: Ctx, wish: NewToken): Promise<void> {
  const signerId = wish.signerId ?? wish.userId
  const hashes = await shareUsers(ctx, [wish.userId, signerId, ...(wish.concerned ?? [])])
  const hash = hashes.get(signerId)
  if (hash === undefined || (wish.passwordHash !== undefined && hash !== wish.passwordHash))
    throw unauthenticated()
}

/**
 * The facts of the token that another one is made from. A token of a trust stands on the trustor and on the trustee, too:
 * their rows are locked as well, and the token is looked at again after that.
 */
async function lockedParent(ctx: Ctx, hash: string): Promise<TokenFacts | null> {
  const parent = await tokenFacts(ctx.db, hash)
  if (parent?.delegation?.kind !== 'trust') return parent
  await shareUsers(ctx, [parent.delegation.trustorId, parent.delegation.trusteeId])
  return tokenFacts(ctx.db, hash)
}

/** A delegation holds where it was given: a token of a delegation gives no token for another place (A13). */
function inherited(parent: TokenFacts, { scope, trustId }: NewToken) {
  const { delegation, credentialId } = parent
  if (delegation?.kind === 'oauth1')
    throw new CloudError(
      'forbidden',
      'A token of OAuth cannot make another token. Sign a request for a new token.',
    )
  // The trustee's own session takes the trust; a token of a delegation cannot, because trusts are not chained by
  // tokens.
  if (trustId !== undefined && delegation === null && credentialId === null)
    return { trustId, applicationCredentialId: undefined, credentialId: undefined }
  const projectId = parent.scope.kind === 'project' ? parent.scope.projectId : null
  const same = scope.kind === parent.scope.kind && (scope.kind !== 'project' || scope.projectId === projectId)
  if (trustId !== undefined || ((delegation !== null || credentialId !== null) && !same))
    throw new CloudError(
      'forbidden',
      'A token from a trust, an application credential or an EC2 credential holds in its project only. Sign in by password for another project.',
    )
  return {
    applicationCredentialId: delegation?.kind === 'application_credential' ? delegation.id : undefined,
    trustId: delegation?.kind === 'trust' ? delegation.id : undefined,
    credentialId: credentialId ?? undefined,
  }
}

/** A text of the caller, cut, and without characters that PostgreSQL or a terminal would stumble over. */
const printable = (text = ''): string => text.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, 255)

/**
 * Deletes a token and every token made from it; returns how many. Runs in a transaction. Throws not_found for an
 * unknown user.
 */
export async function deleteChain(ctx: Ctx, userId: string, chain: string): Promise<number> {
  await lockUser(ctx, userId)
  // Tokens that the user took by a trust with impersonation are in the name of the trustor.
  return ctx.db.$executeRaw`DELETE FROM "Token" WHERE ("auditId" = ${chain} OR "parentAuditId" = ${chain})
    AND ("userId" = ${userId} OR "trustId" IN (${delegations().trustsHeldBy(userId)}))`
}

/**
 * Deletes everything that the user could continue with: tokens, and receipts of a first factor. Runs in a transaction.
 */
export async function deleteSessionsOf(ctx: Ctx, userId: string): Promise<void> {
  await ctx.db.token.deleteMany({ where: { userId } })
  await ctx.db.authReceipt.deleteMany({ where: { userId } })
}

/** Deletes the tokens that were made by these trusts. Runs in a transaction. */
export async function deleteTokensByTrust(ctx: Ctx, trustIds: readonly string[]): Promise<void> {
  await ctx.db.token.deleteMany({ where: { trustId: { in: [...trustIds] } } })
}

/** Deletes the tokens for a place; for a domain also the tokens of its users. Runs in a transaction. */
export async function deleteTokensAt(ctx: Ctx, place: Place): Promise<void> {
  if ('projectIds' in place) {
    await ctx.db.token.deleteMany({ where: { projectId: { in: [...place.projectIds] } } })
    return
  }
  // Two statements, each of which finds its rows by an index.
  await ctx.db.token.deleteMany({ where: { domainId: place.domainId } })
  await ctx.db.$executeRaw`DELETE FROM "Token" WHERE "userId" IN (${usersOfDomain(place.domainId)})`
}
