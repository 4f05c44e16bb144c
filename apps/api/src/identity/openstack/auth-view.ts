import { rolesNamed } from '../../directory/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { isoMicros } from '../../openstack/discovery.ts'
import type { Query } from '../../openstack/pages.ts'
import { catalogFor } from '../../openstack/services.ts'
import { delegations } from '../delegations.ts'
import type { TokenFacts } from '../token-facts.ts'

/** A token as Keystone shows it. */
export async function tokenAnswer(ctx: Ctx, facts: TokenFacts, query: Query): Promise<object> {
  const nocatalog = Object.hasOwn(query, 'nocatalog')
  return { token: await tokenView(ctx, facts, !nocatalog) }
}

/** Keys in Keystone's order; an unscoped token has neither roles nor catalog. */
async function tokenView(ctx: Ctx, facts: TokenFacts, withCatalog: boolean): Promise<object> {
  const { scope } = facts
  const view = {
    methods: facts.methods,
    user: {
      domain: { id: facts.userDomainId, name: facts.userDomainName },
      id: facts.userId,
      name: facts.userName,
      password_expires_at: facts.passwordExpiresAt && isoMicros(facts.passwordExpiresAt).replace('Z', ''),
    },
    audit_ids: facts.parentAuditId === null ? [facts.auditId] : [facts.auditId, facts.parentAuditId],
    expires_at: isoMicros(facts.expiresAt),
    issued_at: isoMicros(facts.issuedAt),
    ...(facts.delegation ? await delegations().view(ctx, facts) : {}),
  }
  if (scope.kind === 'none') return view
  const projectId = scope.kind === 'project' ? scope.projectId : null
  return {
    ...view,
    ...scopeView(facts),
    roles: await rolesNamed(ctx, facts.roles),
    ...(withCatalog ? { catalog: await catalogFor(ctx, { projectId, userId: facts.userId }) } : {}),
  }
}

function scopeView({ scope, scopeDomainName }: TokenFacts): object {
  if (scope.kind === 'project')
    return {
      project: {
        domain: { id: scope.domainId, name: scopeDomainName },
        id: scope.projectId,
        name: scope.projectName,
      },
      is_domain: false,
    }
  if (scope.kind === 'domain') return { domain: { id: scope.domainId, name: scopeDomainName } }
  return { system: { all: true } }
}
