import type { z } from 'zod'
import { domainRef, projectRef, type RoleTarget, rolesAt, userRef } from '../directory/service.ts'
import type { Ctx, Scope } from '../kernel/context.ts'
import { invalidInput, notFound } from '../kernel/errors.ts'
import { allRules, authorize, type Decision, decide } from '../kernel/policy.ts'
import type { ExplainView, explainInput, RuleView } from './contract.ts'

/** All actions by name, each with its present rule and the source of the rule. */
export function listRules(ctx: Ctx): RuleView[] {
  authorize(ctx, 'policy:list_rules')
  return allRules()
}

/**
 * Says whether a user may do an action in a scope, and which rule decides. All callers may ask about themselves; only
 * administrators of the cloud or of the user's domain, and readers of the system, may ask about others. A user or scope
 * that the caller may not see is not found (R2).
 */
export async function explain(ctx: Ctx, input: z.output<typeof explainInput>): Promise<ExplainView> {
  const rule = allRules().find((r) => r.action === input.action)
  if (!rule)
    throw invalidInput(`There is no action “${input.action}”. The list of rules has them all.`, 'action')
  const user = await userOf(ctx, input.userId)
  const { scope, name } = await scopeOf(ctx, input.scope, user.id)
  const place = placeOf(scope)
  const roles = place ? await rolesAt(ctx, user.id, place) : new Set<string>()
  const asker = {
    actor: { ...ctx.actor, userId: user.id, userName: user.name, domainId: user.domainId, delegation: null },
    scope,
    roles,
  }
  const decision = decide(asker, input.action, input.target ?? ownThing(scope, user.id))
  return {
    ...rule,
    ...decision,
    reason: reasonOf(decision, user.name),
    user: { id: user.id, name: user.name },
    scope: {
      kind: scope.kind,
      id: place && !('system' in place) ? (Object.values(place)[0] ?? null) : null,
      name,
    },
    roles: [...roles],
  }
}

async function userOf(ctx: Ctx, id = ctx.actor.userId) {
  const user = await userRef(ctx, id)
  if (!user || !decide(ctx, 'policy:explain', { userId: user.id, domainId: user.domainId }).allowed)
    throw notFound('user', id)
  return user
}

/** The requested scope. The caller must act in it, administer it, or be allowed to see the whole cloud. */
async function scopeOf(
  ctx: Ctx,
  asked: z.output<typeof explainInput>['scope'],
  userId: string,
): Promise<{ scope: Scope; name: string | null }> {
  if (!asked) {
    const name = ctx.scope.kind === 'project' ? ctx.scope.projectName : null
    return { scope: ctx.scope, name }
  }
  if ('system' in asked) return { scope: { kind: 'system' }, name: null }
  const may = async (domainId: string, place: RoleTarget) =>
    decide(ctx, 'policy:explain', { domainId }).allowed ||
    (userId === ctx.actor.userId && (await rolesAt(ctx, userId, place)).size > 0)
  if ('domainId' in asked) {
    const domain = await domainRef(ctx, asked.domainId)
    if (!domain || !(await may(domain.id, asked))) throw notFound('domain', asked.domainId)
    return { scope: { kind: 'domain', domainId: domain.id }, name: domain.name }
  }
  const project = await projectRef(ctx, asked.projectId)
  if (!project || !(await may(project.domainId, asked))) throw notFound('project', asked.projectId)
  const { id: projectId, name: projectName, domainId } = project
  return { scope: { kind: 'project', projectId, projectName, domainId }, name: projectName }
}

function placeOf(scope: Scope): RoleTarget | null {
  if (scope.kind === 'project') return { projectId: scope.projectId }
  if (scope.kind === 'domain') return { domainId: scope.domainId }
  return scope.kind === 'system' ? { system: true } : null
}

const ownThing = (scope: Scope, userId: string) => ({
  userId,
  ...(scope.kind === 'project' ? { projectId: scope.projectId, domainId: scope.domainId } : {}),
  ...(scope.kind === 'domain' ? { domainId: scope.domainId } : {}),
})

function reasonOf({ allowed, clauses }: Decision, name: string): string {
  if (allowed) {
    const clause = clauses.find((c) => c.every((w) => w.holds)) ?? []
    return `Yes: “${clause.map((w) => w.word).join(' and ')}” holds for ${name}.`
  }
  const [nearest = []] = [...clauses].sort((a, b) => missing(a).length - missing(b).length)
  return `No: for ${name} this does not hold: ${missing(nearest).join(', ')}.`
}
const missing = (clause: Decision['clauses'][number]) => clause.filter((w) => !w.holds).map((w) => w.word)
