import { signerById } from '../../directory/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { verifyAnyAge } from '../sign-in.ts'
import { unauthenticated } from '../tokens.ts'

/** Who the caller is as a signer, with the seeds of their authenticators. */
export async function ownUser(ctx: Ctx) {
  authorize(ctx, 'identity:second_factor', { userId: ctx.actor.userId })
  const [user, seeds] = await Promise.all([
    signerById(ctx, ctx.actor.userId),
    ctx.db.credential.findMany({
      where: { userId: ctx.actor.userId, type: 'totp' },
      orderBy: { createdAt: 'asc' },
      select: { createdAt: true },
    }),
  ])
  if (!user) throw unauthenticated()
  return { ...user, seeds }
}

/** Throws invalid_input, and not unauthenticated: the session is good, the password is not. */
export async function demandOwnPassword(
  ctx: Ctx,
  userId: string,
  password: string,
  source: string,
): Promise<void> {
  await verifyAnyAge(ctx, { id: userId }, password, source).catch((error: unknown) => {
    if (!(error instanceof CloudError) || error.code !== 'unauthenticated') throw error
    throw invalidInput('This is not your password. Try again.', 'password')
  })
}
