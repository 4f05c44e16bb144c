import { type Issued, issueToken, type Proven } from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'

/**
 * A token by trust: the trustee's (or with impersonation the trustor's) for the trust's project. Uses
 * are counted in the transaction that writes it. Throws forbidden for a trust that is not his.
 */
export async function issueByTrust(
  ctx: Ctx,
  { userId: signerId, ...proof }: Proven,
  trustId: string,
  inside: (tx: Ctx) => Promise<void> = async () => undefined,
): Promise<Issued> {
  return inTransaction(ctx, async (tx) => {
    const [trust] = await tx.db.$queryRaw<
      { trustorId: string; impersonation: boolean; projectId: string | null; expiresAt: Date | null }[]
    >`
      UPDATE "Trust" SET "remainingUses" = "remainingUses" - 1
      WHERE "id" = ${trustId} AND "trusteeId" = ${signerId} AND "deletedAt" IS NULL
        AND ("expiresAt" IS NULL OR "expiresAt" > clock_timestamp()) AND ("remainingUses" IS NULL OR "remainingUses" > 0)
      RETURNING "trustorId", "impersonation", "projectId", "expiresAt"`
    if (!trust)
      throw new CloudError('forbidden', 'There is no such trust for you (any more). Ask the one who gave it.')
    await inside(tx)
    const { trustorId, impersonation, projectId, expiresAt } = trust
    return issueToken(tx, {
      ...proof,
      userId: impersonation ? trustorId : signerId,
      signerId,
      scope: projectId === null ? { kind: 'none' } : { kind: 'project', projectId },
      trustId,
      concerned: [trustorId],
      notAfter: expiresAt,
    }).catch((error: unknown) => {
      // The trustor lost what he gave, or is disabled: the trustee learns no more than that.
      if (error instanceof CloudError && error.code === 'unauthenticated')
        throw new CloudError('forbidden', 'This trust gives nothing now. Ask the one who gave it.')
      throw error
    })
  })
}
