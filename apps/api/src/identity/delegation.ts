import type { AccessRule, Ctx } from '../kernel/context.ts'
import type { TokenFacts } from './token-facts.ts'

/** What a token was made through, for those who look at it. */
export type DelegationFacts =
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

export async function delegationFacts(ctx: Ctx, { delegation }: TokenFacts): Promise<DelegationFacts | null> {
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
