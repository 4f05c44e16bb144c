import {
  type DomainRef,
  domainNamed,
  findUser,
  type ProjectRef,
  projectNamed,
  projectWithRole,
  signerById,
  type UserRef,
} from '../directory/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'
import { delegations } from './delegations.ts'
import { takeCode } from './multi-factor/codes.ts'
import { missingFactors } from './multi-factor/factors.ts'
import { giveReceipt, type Held, MoreFactors, readReceipt, spendReceipt } from './multi-factor/receipts.ts'
import { endChain, rescopeToken, signerByToken } from './service.ts'
import { failSlowly, proving, verifySignIn } from './sign-in.ts'
import { type TokenFacts, tokenFacts } from './token-facts.ts'
import {
  authenticate,
  hashToken,
  issueToken,
  type Origin,
  type ScopeWish,
  unauthenticated,
} from './tokens.ts'

/** Tokens as callers of the API ask for them: every method and scope, validation, revocation. */

/** The place that a new token shall be for. Null means the user's default project. */
export type ScopeRef =
  | { project: ProjectRef }
  | { domain: DomainRef }
  | { system: true }
  | { trust: { id: string } }
  | 'unscoped'
  | null
export type Issued = { text: string; facts: TokenFacts }

/** The proofs that a caller gives in one request. */
export type Proofs = {
  password?: { user: UserRef; password: string }
  totp?: { user: UserRef; passcode: string }
  /** The receipt of an earlier request, whose proofs were not enough. */
  receipt?: string
}

/**
 * Issues a token by password, with a code where the user's rules ask for one. Throws the same `unauthenticated` for a
 * wrong proof as for a scope where the user has no role, and MoreFactors when the proofs are right but one is missing.
 * The code is checked after the password, whatever the order in the request, so that nobody can guess or lock codes
 * without the password.
 */
export async function issueByProofs(
  ctx: Ctx,
  input: { proofs: Proofs; scope: ScopeRef },
  origin: Origin,
): Promise<Issued> {
  const { user, methods } = await proven(ctx, input.proofs, origin.source)
  const missing = missingFactors(user.options, methods)
  if (missing) throw new MoreFactors(await giveReceipt(ctx, user.id, methods, missing))
  const { receipt } = input.proofs
  const inside = async (tx: Ctx) => (receipt === undefined ? undefined : spendReceipt(tx, receipt))
  const signer = { userId: user.id, methods, passwordHash: user.passwordHash, origin }
  try {
    if (input.scope !== null && typeof input.scope === 'object' && 'trust' in input.scope)
      return await delegations().issueByTrust(ctx, signer, input.scope.trust.id, inside)
    const scope = await resolveScope(ctx, user, input.scope)
    return await inTransaction(ctx, async (tx) => {
      await inside(tx)
      return issueToken(tx, { ...signer, scope })
    })
  } catch (error) {
    await failSlowly(ctx, null)
    throw error
  }
}

async function proven(ctx: Ctx, proofs: Proofs, source: string): Promise<Held> {
  const { password, totp, receipt } = proofs
  const held = receipt === undefined ? null : await readReceipt(ctx, receipt)
  const user = password ? await verifySignIn(ctx, password.user, password.password, source) : held?.user
  if (!user || (receipt !== undefined && held?.user.id !== user.id)) return nothingProven(ctx)
  const methods = new Set([...(held?.methods ?? []), ...(password ? ['password'] : [])])
  if (totp) {
    const named = await findUser(ctx, totp.user)
    await proving(ctx, source, async () =>
      named?.id === user.id && (await takeCode(ctx, user.id, totp.passcode)) ? true : null,
    )
    methods.add('totp')
  }
  return { user, methods: [...methods] }
}

async function nothingProven(ctx: Ctx): Promise<never> {
  await failSlowly(ctx, null)
  throw unauthenticated()
}

export async function issueByToken(ctx: Ctx, input: { token: string; scope: ScopeRef }): Promise<Issued> {
  const caller = await authenticate(ctx.deps, input.token, ctx.requestId)
  if (!caller) throw unauthenticated()
  const row = await signerById(caller, caller.actor.userId)
  if (!row) throw unauthenticated()
  if (input.scope !== null && typeof input.scope === 'object' && 'trust' in input.scope)
    return delegations().issueByTrust(caller, await signerByToken(caller), input.scope.trust.id)
  return rescopeToken(caller, await resolveScope(caller, row, input.scope))
}

async function resolveScope(
  ctx: Ctx,
  user: { id: string; defaultProjectId: string | null },
  scope: Exclude<ScopeRef, { trust: unknown }>,
): Promise<ScopeWish> {
  if (scope === 'unscoped') return { kind: 'none' }
  if (scope === null) {
    const { defaultProjectId } = user
    const chosen = defaultProjectId === null ? null : await projectWithRole(ctx, user.id, defaultProjectId)
    return chosen ? { kind: 'project', projectId: chosen.id } : { kind: 'none' }
  }
  if ('system' in scope) return { kind: 'system' }
  if ('domain' in scope) {
    const domainId = await domainNamed(ctx, scope.domain)
    if (domainId === null) throw unauthenticated()
    return { kind: 'domain', domainId }
  }
  const projectId = await projectNamed(ctx, scope.project)
  if (projectId === null) throw unauthenticated()
  return { kind: 'project', projectId }
}

/** The facts of a token, for its owner and for administrators; null when the token is not valid. */
export async function validateToken(ctx: Ctx, tokenText: string): Promise<TokenFacts | null> {
  const facts = await tokenFacts(ctx.db, hashToken(tokenText))
  if (facts) authorize(ctx, 'identity:validate_token', { userId: facts.userId })
  return facts
}

/** Ends a token and those made from it; false when the token was not valid (any more). */
export async function revokeToken(ctx: Ctx, tokenText: string): Promise<boolean> {
  const facts = await tokenFacts(ctx.db, hashToken(tokenText))
  if (!facts) return false
  authorize(ctx, 'identity:revoke_token', { userId: facts.userId })
  await endChain(ctx, facts.userId, facts.auditId)
  return true
}
