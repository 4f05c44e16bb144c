import type { Ctx } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { futureMoment, rolesToHandOn } from '../delegable.ts'
import { microsOf } from '../moments.ts'
import type { TrustInput } from './contract.ts'
import { goodTrust, trustColumns } from './rows.ts'

/**
 * Makes a trust by a session of a trust: the rights of the same trustor are handed on once more, never wider or longer
 * than the trust that they come from. Source: Keystone api-ref, OS-TRUST, redelegation.
 */
export async function redelegated(ctx: Ctx, input: TrustInput) {
  const { delegation } = ctx.actor
  const from = await ctx.db.trust.findFirst({
    where: { AND: [goodTrust(), { id: delegation?.id ?? '' }] },
    select: { ...trustColumns, applicationCredentialId: true },
  })
  if (!from?.allowRedelegation || from.redelegationCount < 1)
    throw new CloudError(
      'forbidden',
      'The trust that you act by may not be handed on. Ask its trustor for another trust.',
    )
  const projectId = input.projectId ?? null
  if (projectId !== from.projectId)
    throw new CloudError('forbidden', 'A trust is handed on for its own project only.')
  if (projectId !== null && input.roles.length === 0)
    throw invalidInput('Name the roles that are handed on.', 'roles')
  if (input.remainingUses != null)
    throw invalidInput('A trust that is handed on has no number of uses.', 'remaining_uses')
  if (input.impersonation && !from.impersonation)
    throw new CloudError('forbidden', 'The trust that you act by has no impersonation to hand on.')
  const count = input.allowRedelegation ? (input.redelegationCount ?? from.redelegationCount - 1) : 0
  if (count >= from.redelegationCount)
    throw new CloudError(
      'forbidden',
      `This trust may be handed on ${from.redelegationCount - 1} more times at most.`,
    )
  const expiresAt = futureMoment(input.expiresAt, 'expires_at') ?? from.expiresAt
  if (from.expiresAt !== null && expiresAt !== null && expiresAt > from.expiresAt)
    throw new CloudError(
      'forbidden',
      'The new trust would outlive the trust that it is made from. Choose an earlier end.',
    )
  // The session of a trust has no roles but those that the trust gives.
  const roles = projectId === null ? [] : await rolesToHandOn(ctx, ctx.roles, input.roles)
  return {
    // The rights stay those of the first trustor, and every trust in between must stay valid (chain).
    trustorId: from.trustorId,
    trusteeId: input.trusteeId,
    projectId,
    impersonation: input.impersonation,
    expiresAt,
    expiresMicros: microsOf(input.expiresAt),
    applicationCredentialId: from.applicationCredentialId,
    remainingUses: null,
    allowRedelegation: count > 0,
    redelegationCount: count,
    redelegatedTrustId: from.id,
    chain: [...from.chain, from.id],
    roles: { create: roles.map((roleId) => ({ roleId })) },
  }
}
