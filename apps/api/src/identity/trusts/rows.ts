import type { Prisma } from '@stratolith/db'

/** What of a trust's row its services read. */
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
  roles: { select: { role: { select: { id: true, name: true } } } },
} satisfies Prisma.TrustSelect
export type TrustRow = Prisma.TrustGetPayload<{ select: typeof trustColumns }>
/** Good now: not deleted, in its time, with uses left. */
export const goodTrust = (): Prisma.TrustWhereInput => ({
  deletedAt: null,
  AND: [
    { OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] },
    { OR: [{ remainingUses: null }, { remainingUses: { gt: 0 } }] },
  ],
})
