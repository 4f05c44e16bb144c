import { z } from 'zod'
import { keystoneId } from '../../directory/contract.ts'
import { roleChoice } from '../application-credentials/contract.ts'

/**
 * Trusts: one user (the trustor) lets another user (the trustee) act in one of the trustor's projects with some of the
 * trustor's roles. Browser-safe.
 */

/** How often a trust may be handed on at most; also the default. */
export const mostRedelegations = 3

export const trustInput = z.object({
  trustorId: keystoneId,
  trusteeId: keystoneId,
  projectId: keystoneId.nullish(),
  roles: z.array(roleChoice).max(64).default([]),
  impersonation: z.boolean(),
  expiresAt: z.iso.datetime({ offset: true }).nullish(),
  remainingUses: z.number().int().min(1).max(1_000_000_000).nullish(),
  allowRedelegation: z.boolean().default(false),
  redelegationCount: z.number().int().min(0).max(mostRedelegations).nullish(),
})
export type TrustInput = z.output<typeof trustInput>
export const trustListInput = z.object({
  trustorId: keystoneId.optional(),
  trusteeId: keystoneId.optional(),
})
export type TrustView = {
  id: string
  trustorId: string
  trusteeId: string
  projectId: string | null
  roles: { id: string; name: string }[]
  impersonation: boolean
  expiresAt: string | null
  remainingUses: number | null
  /** How often the trust may still be handed on. */
  redelegationCount: number
  redelegatedTrustId: string | null
}
