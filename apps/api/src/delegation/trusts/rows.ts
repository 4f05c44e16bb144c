import { Prisma } from '@stratolith/db'

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
  roles: { select: { roleId: true } },
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

/** Selects the ids of the trusts that were given to the user: by those with impersonation they act in another's name. */
export const trustsHeldBy = (userId: string): Prisma.Sql =>
  Prisma.sql`SELECT "id" FROM "Trust" WHERE "trusteeId" = ${userId}`
