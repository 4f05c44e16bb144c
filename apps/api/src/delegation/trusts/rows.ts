import { Prisma } from '@stratolith/db'

/** The columns of a trust that its services read. */
export const trustColumns = {
  id: true,
  trustorId: true,
  trusteeId: true,
  projectId: true,
  impersonation: true,
  expiresAt: true,
  expiresMicros: true,
  remainingUses: true,
  allowRedelegation: true,
  redelegationCount: true,
  redelegatedTrustId: true,
  chain: true,
  redelegatedFrom: { select: { trusteeId: true } },
  roles: { select: { roleId: true } },
} satisfies Prisma.TrustSelect
export type TrustRow = Prisma.TrustGetPayload<{ select: typeof trustColumns }>
/** Matches trusts that are valid now: not deleted, not expired, with uses left. */
export const goodTrust = (): Prisma.TrustWhereInput => ({
  deletedAt: null,
  AND: [
    { OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] },
    { OR: [{ remainingUses: null }, { remainingUses: { gt: 0 } }] },
  ],
})

/**
 * Selects the ids of the trusts that were given to the user, who acts in the trustor's name by those with
 * impersonation.
 */
export const trustsHeldBy = (userId: string): Prisma.Sql =>
  Prisma.sql`SELECT "id" FROM "Trust" WHERE "trusteeId" = ${userId}`
