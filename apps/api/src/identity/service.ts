import type { z } from 'zod'
import type { ProjectView } from '../directory/contract.ts'
import {
  domainsOf,
  firstProjectOf,
  hasSystemRole,
  projectsOf,
  projectWithRole,
  sessionEnded,
  signerById,
  type UserRef,
} from '../directory/service.ts'
import { type Ctx, inTransaction, isAdmin } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { IssuedToken, PlacesView, rescopeInput, SessionView, SignedIn } from './contract.ts'
import { takeCode } from './multi-factor/codes.ts'
import { missingFactors } from './multi-factor/factors.ts'
import { failSlowly, verifySignIn } from './sign-in.ts'
import { type TokenFacts, tokenFacts } from './token-facts.ts'
import { deleteChain, issueToken, type ScopeWish, unauthenticated } from './tokens.ts'

/** The functions that rooms above this room use. */
export { type CredentialRow, ec2Keys } from './credentials/blobs.ts'
export { seal, unseal } from './credentials/sealing.ts'
export {
  credentialByAccess,
  credentialsOf,
  open as openCredential,
} from './credentials/service.ts'
export {
  type AuthMethod,
  type DelegatedToken,
  type Given,
  type Issued,
  type Proven,
  useDelegations,
} from './delegations.ts'
export { userBody, userOf } from './openstack/auth-body.ts'
export { tokenAnswer } from './openstack/auth-view.ts'
export { proving } from './sign-in.ts'
export {
  authenticateAgain,
  deleteTokensByTrust,
  issueToken,
  type Origin,
  refused,
  rightsNow,
} from './tokens.ts'
export type { TokenFacts }

/**
 * Signs in by password. `anchor` is the token of the sign-in itself, for no place: it outlives every role and project,
 * and the tokens for places are made from it. `token` is for the first place (firstScope).
 */
export async function signIn(
  ctx: Ctx,
  input: { user: string; password: string; domain: string; code?: string },
  source: string,
  userAgent = '',
): Promise<SignedIn> {
  const who: UserRef = { name: input.user, domain: { name: input.domain } }
  const user = await verifySignIn(ctx, who, input.password, source)
  const methods = ['password']
  if (missingFactors(user.options, methods)) {
    await demandCode(ctx, user.id, input.code)
    methods.push('totp')
  }
  if (missingFactors(user.options, methods))
    throw new CloudError('unauthenticated', 'This account asks for a proof that this page cannot take.')
  const scope = await firstScope(ctx, user)
  const { id: userId, passwordHash } = user
  return inTransaction(ctx, async (tx) => {
    const nowhere = { kind: 'none' } as const
    const origin = { source, userAgent }
    const anchor = await issueToken(tx, { userId, scope: nowhere, methods, passwordHash, origin })
    const parent = { hash: anchor.facts.hash }
    const first =
      scope.kind === 'none'
        ? anchor
        : await issueToken(tx, { userId, scope, methods: ['token', ...methods], parent })
    return { anchor: anchor.text, token: first.text, session: toSession(first.facts) }
  })
}

/** Demands a code once the password is right. The field of the error tells the page to ask for the code. */
async function demandCode(ctx: Ctx, userId: string, code: string | undefined): Promise<void> {
  if (code === undefined || code === '')
    throw new CloudError('unauthenticated', 'Type the code that your authenticator app shows.', {
      field: 'code',
    })
  if (await takeCode(ctx, userId, code)) return
  await failSlowly(ctx, null)
  throw new CloudError(
    'unauthenticated',
    'This code is not right, or it was used already. Wait for the next code; after five wrong codes you must wait longer.',
    { field: 'code' },
  )
}

/** The user's default project, else the first project by name, else a domain or the system where they have a role. */
async function firstScope(
  ctx: Ctx,
  user: { id: string; defaultProjectId: string | null },
): Promise<ScopeWish> {
  const chosen = await firstProjectOf(ctx, user.id, user.defaultProjectId)
  if (chosen) return { kind: 'project', projectId: chosen.id }
  const [domain] = await domainsOf(ctx, user.id)
  if (domain) return { kind: 'domain', domainId: domain.id }
  return (await hasSystemRole(ctx, user.id)) ? { kind: 'system' } : { kind: 'none' }
}

/** Facts of the caller's own token. */
export async function ownToken(ctx: Ctx): Promise<TokenFacts> {
  const facts = ctx.actor.tokenHash === null ? null : await tokenFacts(ctx.db, ctx.actor.tokenHash)
  if (!facts) throw unauthenticated()
  return facts
}

/** The caller and the place that the session is for. */
export async function session(ctx: Ctx): Promise<SessionView> {
  authorize(ctx, 'identity:session')
  return toSession(await ownToken(ctx))
}

/** Lists, by name, the projects that the caller has a role on. */
export async function projects(ctx: Ctx): Promise<ProjectView[]> {
  authorize(ctx, 'identity:list_own_projects')
  return projectsOf(ctx, ctx.actor.userId)
}

/** All places that the session could move to: projects, domains and the system, where the caller has a role. */
export async function places(ctx: Ctx): Promise<PlacesView> {
  authorize(ctx, 'identity:list_own_projects')
  const { userId } = ctx.actor
  const [own, domains, system] = await Promise.all([
    projectsOf(ctx, userId),
    domainsOf(ctx, userId),
    hasSystemRole(ctx, userId),
  ])
  return { projects: own, domains, system }
}

type RescopeInput = z.output<typeof rescopeInput>
/** Moves the session to another place by a new token, which expires no later and ends with the same session. */
export async function rescope(ctx: Ctx, input: RescopeInput): Promise<IssuedToken> {
  authorize(ctx, 'identity:rescope')
  const { text, facts } = await rescopeToken(ctx, await wishOf(ctx, input))
  return { token: text, session: toSession(facts) }
}

/** Throws not_found for projects and domains where the caller has no role (R2). */
async function wishOf(ctx: Ctx, input: RescopeInput): Promise<ScopeWish> {
  const { userId } = ctx.actor
  if ('projectId' in input) {
    if ((await projectWithRole(ctx, userId, input.projectId)) === null)
      throw notFound('project', input.projectId)
    return { kind: 'project', projectId: input.projectId }
  }
  if ('domainId' in input) {
    if (!(await domainsOf(ctx, userId)).some((d) => d.id === input.domainId))
      throw notFound('domain', input.domainId)
    return { kind: 'domain', domainId: input.domainId }
  }
  if (!(await hasSystemRole(ctx, userId)))
    throw new CloudError('forbidden', 'You have no role on the system. An administrator can grant one.')
  return { kind: 'system' }
}

/** Makes a token from the caller's own token. Methods are never widened, and the audit chain is kept (A13.5). */
export async function rescopeToken(ctx: Ctx, scope: ScopeWish): Promise<{ text: string; facts: TokenFacts }> {
  const signer = await signerByToken(ctx)
  return inTransaction(ctx, (tx) => issueToken(tx, { ...signer, scope }))
}

/**
 * The caller as a user who proves who they are by their token. The factors that the user's rules ask for besides a
 * password must have been given for that token (A15.4). Programs' credentials were made by a session that had given
 * them.
 */
export async function signerByToken(ctx: Ctx) {
  const { tokenHash, userId, delegation } = ctx.actor
  if (tokenHash === null) throw unauthenticated()
  const parent = await ownToken(ctx)
  if (delegation === null && parent.credentialId === null) {
    const user = await signerById(ctx, userId)
    if (!user || missingFactors(user.options, parent.methods)) throw unauthenticated()
  }
  const methods = ['token', ...parent.methods.filter((m) => m !== 'token')]
  return { userId, methods, parent: { hash: tokenHash } }
}

/** Ends the session in all places: every token of the same sign-in. */
export async function signOut(ctx: Ctx): Promise<void> {
  authorize(ctx, 'identity:sign_out')
  const own = await ownToken(ctx)
  await endChain(ctx, own.userId, own.parentAuditId ?? own.auditId)
}

/** Deletes the token with the audit id and every token made from it; streams and consoles end. */
export async function endChain(ctx: Ctx, userId: string, chain: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const count = await deleteChain(tx, userId, chain)
    if (count > 0) await sessionEnded(tx, { userId }, 'signed out')
  })
}

function toSession(facts: TokenFacts): SessionView {
  const { scope } = facts
  return {
    user: {
      id: facts.userId,
      name: facts.userName,
      domainId: facts.userDomainId,
      domainName: facts.userDomainName,
    },
    project: scope.kind === 'project' ? { id: scope.projectId, name: scope.projectName } : null,
    domain:
      scope.kind === 'domain' ? { id: scope.domainId, name: facts.scopeDomainName ?? scope.domainId } : null,
    system: scope.kind === 'system',
    roles: [...facts.roles],
    admin: isAdmin(facts),
    expiresAt: facts.expiresAt.toISOString(),
    passwordExpiresAt: facts.passwordExpiresAt?.toISOString() ?? null,
  }
}
