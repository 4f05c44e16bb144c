import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { TokenFacts } from '../token-facts.ts'
import { issueToken, type NewToken } from '../tokens.ts'

/** The trustee, who has proved himself by `methods`, with his password's hash or his own token. */
export type Trustee = Pick<NewToken, 'methods' | 'passwordHash' | 'parent' | 'origin'> & { userId: string }

/**
 * A token by trust: the trustee's (or with impersonation the trustor's) for the trust's project. Uses
 * are counted in the transaction that writes it. Throws forbidden for a trust that is not his.
 */
export async function issueByTrust(
  ctx: Ctx,
  { userId: signerId, ...proof }: Trustee,
  trustId: string,
  inside: (tx: Ctx) => Promise<void> = async () => undefined,
): Promise<{ text: string; facts: TokenFacts }> {
  return inTransaction(ctx, async (tx) => {
    const [trust] = await tx.db.$queryRaw<
      { trustorId: string; impersonation: boolean; projectId: string | null }[]
    >`
      UPDATE "Trust" SET "remainingUses" = "remainingUses" - 1
      WHERE "id" = ${trustId} AND "trusteeId" = ${signerId} AND "deletedAt" IS NULL
        AND ("expiresAt" IS NULL OR "expiresAt" > clock_timestamp()) AND ("remainingUses" IS NULL OR "remainingUses" > 0)
      RETURNING "trustorId", "impersonation", "projectId"`
    if (!trust)
      throw new CloudError('forbidden', 'There is no such trust for you (any more). Ask the one who gave it.')
    await inside(tx)
    const { trustorId, impersonation, projectId } = trust
    return issueToken(tx, {
      ...proof,
      userId: impersonation ? trustorId : signerId,
      signerId,
      scope: projectId === null ? { kind: 'none' } : { kind: 'project', projectId },
      trustId,
    }).catch((error: unknown) => {
      // The trustor lost what he gave, or is disabled: the trustee learns no more than that.
      if (error instanceof CloudError && error.code === 'unauthenticated')
        throw new CloudError('forbidden', 'This trust gives nothing now. Ask the one who gave it.')
      throw error
    })
  })
}
