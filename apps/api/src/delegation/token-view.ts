import type { TokenFacts } from '../identity/service.ts'
import type { AccessRule, Ctx } from '../kernel/context.ts'

/** The delegation that a token was made through. */
type DelegationFacts =
  | {
      kind: 'application_credential'
      id: string
      name: string
      unrestricted: boolean
      accessRules: readonly (AccessRule & { id: string })[] | null
    }
  | {
      kind: 'trust'
      id: string
      impersonation: boolean
      trustorId: string
      trusteeId: string
      redelegatedTrustId: string | null
      redelegationCount: number
    }
  | { kind: 'oauth1'; id: string; consumerId: string }

async function delegationFacts(ctx: Ctx, { delegation }: TokenFacts): Promise<DelegationFacts | null> {
  if (delegation?.kind === 'application_credential') {
    const row = await ctx.db.applicationCredential.findUnique({
      where: { id: delegation.id },
      select: {
        name: true,
        accessRules: {
          select: { accessRule: { select: { id: true, service: true, method: true, path: true } } },
        },
      },
    })
    const rules = row?.accessRules.map((link) => link.accessRule) ?? []
    return { ...delegation, name: row?.name ?? '', accessRules: rules.length === 0 ? null : rules }
  }
  if (delegation?.kind === 'trust') {
    const row = await ctx.db.trust.findUnique({ where: { id: delegation.id } })
    return {
      ...delegation,
      redelegatedTrustId: row?.redelegatedTrustId ?? null,
      redelegationCount: row?.redelegationCount ?? 0,
    }
  }
  return delegation
}

/**
 * Keystone's view of the delegation that a token was made through: keys beside those of every token. Source: api-ref
 * v3, OS-TRUST, OS-OAUTH1.
 */
export async function delegationOfToken(ctx: Ctx, token: TokenFacts): Promise<object> {
  const facts = await delegationFacts(ctx, token)
  return facts ? delegationView(facts) : {}
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
