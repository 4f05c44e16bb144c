import { type Issued, issueToken, type Proven } from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'

/**
 * Issues a token by a trust for the project of the trust: the trustee's token, or with impersonation the trustor's. The
 * transaction that writes the token also counts the use. Throws forbidden for a trust that is not the caller's.
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
      throw new CloudError('forbidden', 'You have no such trust, or it has ended. Ask the user who gave it.')
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
      // The trustor lost the role or is disabled; the trustee learns no more than that the trust gives nothing.
      if (error instanceof CloudError && error.code === 'unauthenticated')
        throw new CloudError(
          'forbidden',
          'This trust gives no rights at the moment. Ask the user who gave it.',
        )
      throw error
    })
  })
}
