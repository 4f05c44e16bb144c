import { type Ctx, inTransaction, isAdmin } from '../kernel/context.ts'
import { invariant, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { sessionEnded } from './accounts.ts'
import type { IssuedToken, ProjectView, SessionView } from './contract.ts'
import { type UserRef, verifySignIn } from './sign-in.ts'
import {
  deleteTokens,
  effectiveRoles,
  issueToken,
  type ScopeWish,
  type TokenFacts,
  tokenFacts,
  unauthenticated,
} from './tokens.ts'

/** For later rooms, which enter here. */
export { onProjectCreated } from './accounts.ts'
export { rightsHold } from './tokens.ts'

/** Signs in by password; the session is for the user's default project, else the first by name. */
export async function signIn(
  ctx: Ctx,
  input: { user: string; password: string; domain: string },
  source: string,
): Promise<IssuedToken> {
  const who: UserRef = { name: input.user, domain: { name: input.domain } }
  const user = await verifySignIn(ctx, who, input.password, source)
  const choices = await projectsOf(ctx, user.id)
  const chosen = choices.find((p) => p.id === user.defaultProjectId) ?? choices[0]
  const scope: ScopeWish = chosen ? { kind: 'project', projectId: chosen.id } : { kind: 'none' }
  const { text, facts } = await inTransaction(ctx, (tx) =>
    issueToken(tx, { userId: user.id, scope, methods: ['password'], passwordHash: user.passwordHash }),
  )
  return { token: text, session: toSession(facts) }
}

/** Facts of the caller's own token. */
export async function ownToken(ctx: Ctx): Promise<TokenFacts> {
  const facts = ctx.actor.tokenHash === null ? null : await tokenFacts(ctx.db, ctx.actor.tokenHash)
  if (!facts) throw unauthenticated()
  return facts
}

/** Who the caller is and where the session holds. */
export async function session(ctx: Ctx): Promise<SessionView> {
  authorize(ctx, 'identity:session')
  return toSession(await ownToken(ctx))
}

/** Projects that the caller has a role on, by name. */
export async function projects(ctx: Ctx): Promise<ProjectView[]> {
  authorize(ctx, 'identity:list_own_projects')
  return projectsOf(ctx, ctx.actor.userId)
}

/** Enabled projects with at least one role of the user, by name; effective roles. */
export async function projectsOf(ctx: Ctx, userId: string): Promise<ProjectView[]> {
  const rows = await ctx.db.project.findMany({
    where: { enabled: true, domain: { enabled: true }, assignments: { some: { userId } } },
    orderBy: [{ name: 'asc' }, { id: 'asc' }],
    include: { assignments: { where: { userId }, include: { role: true } } },
    take: 1000,
  })
  return rows.map((p) => ({
    id: p.id,
    name: p.name,
    description: p.description,
    domainId: p.domainId,
    enabled: p.enabled,
    roles: [...effectiveRoles(p.assignments.map((a) => a.role.name))],
  }))
}

/** The same session in another project: ends when the first one would, dies with it. */
export async function rescope(ctx: Ctx, input: { projectId: string }): Promise<IssuedToken> {
  authorize(ctx, 'identity:rescope')
  if (!(await projectsOf(ctx, ctx.actor.userId)).some((p) => p.id === input.projectId))
    throw notFound('project', input.projectId)
  const { text, facts } = await rescopeToken(ctx, { kind: 'project', projectId: input.projectId })
  return { token: text, session: toSession(facts) }
}

/** A token from the caller's own; methods are never widened, the audit chain is kept (A13.5). */
export async function rescopeToken(ctx: Ctx, scope: ScopeWish): Promise<{ text: string; facts: TokenFacts }> {
  const { tokenHash, userId } = ctx.actor
  if (tokenHash === null) throw unauthenticated()
  const parent = await ownToken(ctx)
  const methods = ['token', ...parent.methods.filter((m) => m !== 'token')]
  return inTransaction(ctx, (tx) => issueToken(tx, { userId, scope, methods, parent: { hash: tokenHash } }))
}

/** Ends the session everywhere it has been taken: every token of the same sign-in. */
export async function signOut(ctx: Ctx): Promise<void> {
  authorize(ctx, 'identity:sign_out')
  const own = await ownToken(ctx)
  await endChain(ctx, own.userId, own.parentAuditId ?? own.auditId)
}

/** Deletes the token with that audit id and everything made from it; streams and consoles end. */
export async function endChain(ctx: Ctx, userId: string, chain: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const count = await deleteTokens(tx, userId, { chain })
    if (count > 0) await sessionEnded(tx, { userId }, 'signed out')
  })
}

function toSession(facts: TokenFacts): SessionView {
  invariant(facts.scope.kind !== 'domain', 'a portal session is for a project')
  return {
    user: {
      id: facts.userId,
      name: facts.userName,
      domainId: facts.userDomainId,
      domainName: facts.userDomainName,
    },
    project:
      facts.scope.kind === 'project' ? { id: facts.scope.projectId, name: facts.scope.projectName } : null,
    roles: [...facts.roles],
    admin: isAdmin(facts),
    expiresAt: facts.expiresAt.toISOString(),
  }
}
