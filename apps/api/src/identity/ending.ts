import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { deleteTokens } from './tokens.ts'

/** Whose rights are less now; `everyone`: too many to name (a group, a role, what a role implies). */
export type Concerned = { userId: string } | { projectId: string } | { domainId: string } | { everyone: true }

/** Tells open consoles and event streams to ask again whether they may go on. In the transaction. */
export async function sessionEnded(ctx: Ctx, who: Concerned, reason: string): Promise<void> {
  const [resourceKind, resourceId] =
    'userId' in who
      ? ['user', who.userId]
      : 'projectId' in who
        ? ['project', who.projectId]
        : 'domainId' in who
          ? ['domain', who.domainId]
          : ['session', 'all']
  await appendEvent(ctx, {
    kind: 'session.ended',
    projectId: 'projectId' in who ? who.projectId : null,
    resourceKind,
    resourceId,
    data: { reason },
  })
}

/** Locks the user's row (see issueToken) or throws not_found. `ctx.db` is a transaction. */
export async function lockUser(ctx: Ctx, userId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<unknown[]>`SELECT 1 FROM "User" WHERE "id" = ${userId} FOR UPDATE`
  if (rows.length === 0) throw notFound('user', userId)
}

/** Every token of the user is void at once; open consoles and streams are told. In a transaction. */
export async function voidTokens(ctx: Ctx, userId: string, reason: string): Promise<void> {
  await deleteTokens(ctx, userId, 'all')
  await ctx.db.authReceipt.deleteMany({ where: { userId } })
  // The time of the database, which tokens have too; also ends what he does as somebody's trustee.
  await ctx.db.$executeRaw`UPDATE "User" SET "tokensValidAfter" = clock_timestamp() WHERE "id" = ${userId}`
  await sessionEnded(ctx, { userId }, reason)
}
