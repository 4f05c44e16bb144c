import type { Ctx } from '../../kernel/context.ts'
import { isoMicros } from '../../openstack/discovery.ts'
import type { Query } from '../../openstack/pages.ts'
import { catalogFor } from '../../openstack/services.ts'
import { type DelegationFacts, delegationFacts } from '../delegation.ts'
import { rolesNamed } from '../roles/service.ts'
import type { TokenFacts } from '../token-facts.ts'

/** A token as Keystone shows it. */
export async function tokenAnswer(ctx: Ctx, facts: TokenFacts, query: Query): Promise<object> {
  const nocatalog = Object.hasOwn(query, 'nocatalog')
  return { token: await tokenView(ctx, facts, !nocatalog) }
}

/** Keys in Keystone's order; an unscoped token has neither roles nor catalog. */
async function tokenView(ctx: Ctx, facts: TokenFacts, withCatalog: boolean): Promise<object> {
  const { scope } = facts
  const delegation = await delegationFacts(ctx, facts)
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
    ...(delegation ? delegationView(delegation) : {}),
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

function delegationView(facts: DelegationFacts): object {
  if (facts.kind === 'application_credential') {
    const { id, name, unrestricted, accessRules } = facts
    const rules = accessRules === null ? {} : { access_rules: accessRules }
    return { application_credential: { id, name, restricted: !unrestricted, ...rules } }
  }
  if (facts.kind === 'oauth1')
    return { 'OS-OAUTH1': { access_token_id: facts.id, consumer_id: facts.consumerId } }
  const { id, impersonation, trustorId, trusteeId, redelegatedTrustId, redelegationCount } = facts
  return {
    'OS-TRUST:trust': {
      id,
      impersonation,
      trustor_user: { id: trustorId },
      trustee_user: { id: trusteeId },
      ...(redelegatedTrustId === null
        ? {}
        : { redelegated_trust_id: redelegatedTrustId, redelegation_count: redelegationCount }),
    },
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
