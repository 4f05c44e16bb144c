import { type Ctx, inTransaction } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'
import type { UserRef } from './backends/backend.ts'
import { projectsOf } from './roles/effective.ts'
import { endChain, rescopeToken } from './service.ts'
import { failSlowly, verifySignIn } from './sign-in.ts'
import { type TokenFacts, tokenFacts } from './token-facts.ts'
import { authenticate, hashToken, issueToken, type ScopeWish, unauthenticated } from './tokens.ts'

/** Tokens as the API's callers ask for them: any method, any scope, validation, revocation. */

type DomainRef = { id: string } | { name: string }
/** Where a new token shall hold; null leaves the choice to the user's default project. */
export type ScopeRef =
  | { project: { id: string } | { name: string; domain: DomainRef } }
  | { domain: DomainRef }
  | { system: true }
  | 'unscoped'
  | null
export type Issued = { text: string; facts: TokenFacts }

/** Throws the same `unauthenticated` for a wrong password as for a scope that is not one's own. */
export async function issueByPassword(
  ctx: Ctx,
  input: { user: UserRef; password: string; scope: ScopeRef },
  source: string,
  userAgent = '',
): Promise<Issued> {
  const user = await verifySignIn(ctx, input.user, input.password, source)
  try {
    const scope = await resolveScope(ctx, user, input.scope)
    return await inTransaction(ctx, (tx) =>
      issueToken(tx, {
        userId: user.id,
        scope,
        methods: ['password'],
        passwordHash: user.passwordHash,
        origin: { source, userAgent },
      }),
    )
  } catch (error) {
    await failSlowly(ctx, null)
    throw error
  }
}

export async function issueByToken(ctx: Ctx, input: { token: string; scope: ScopeRef }): Promise<Issued> {
  const caller = await authenticate(ctx.deps, input.token, ctx.requestId)
  if (!caller) throw unauthenticated()
  const row = await caller.db.user.findUnique({ where: { id: caller.actor.userId } })
  if (!row) throw unauthenticated()
  return rescopeToken(caller, await resolveScope(caller, row, input.scope))
}

async function resolveScope(
  ctx: Ctx,
  user: { id: string; defaultProjectId: string | null },
  scope: ScopeRef,
): Promise<ScopeWish> {
  if (scope === 'unscoped') return { kind: 'none' }
  if (scope === null) {
    const own = await projectsOf(ctx, user.id)
    const chosen = own.find((p) => p.id === user.defaultProjectId)
    return chosen ? { kind: 'project', projectId: chosen.id } : { kind: 'none' }
  }
  if ('system' in scope) return { kind: 'system' }
  if ('domain' in scope) {
    const domain = await ctx.db.domain.findFirst({ where: scope.domain })
    if (!domain) throw unauthenticated()
    return { kind: 'domain', domainId: domain.id }
  }
  const { project } = scope
  const found = await ctx.db.project.findFirst({
    where: 'id' in project ? { id: project.id } : { name: project.name, domain: project.domain },
  })
  if (!found) throw unauthenticated()
  return { kind: 'project', projectId: found.id }
}

/** What a token is worth, for its owner and for administrators; null when it is not good. */
export async function validateToken(ctx: Ctx, tokenText: string): Promise<TokenFacts | null> {
  const facts = await tokenFacts(ctx.db, hashToken(tokenText))
  if (facts) authorize(ctx, 'identity:validate_token', { userId: facts.userId })
  return facts
}

/** Ends a token and those made from it; false when it was not good (any more). */
export async function revokeToken(ctx: Ctx, tokenText: string): Promise<boolean> {
  const facts = await tokenFacts(ctx.db, hashToken(tokenText))
  if (!facts) return false
  authorize(ctx, 'identity:revoke_token', { userId: facts.userId })
  await endChain(ctx, facts.userId, facts.auditId)
  return true
}
