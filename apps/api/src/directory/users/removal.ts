import type { Ctx } from '../../kernel/context.ts'

type UserHook = (ctx: Ctx, userIds: readonly string[]) => Promise<void>
const userHooks: UserHook[] = []
/**
 * Other rooms register here how they delete things of a user that belong to no project (compute: key pairs). Hooks run
 * in the transaction.
 */
export function onUserDeleting(hook: UserHook): void {
  userHooks.push(hook)
}

/**
 * Deletes users with everything that belongs to them: assignments, tokens, credentials, trusts. Runs in a transaction.
 */
export async function forgetUsers(ctx: Ctx, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return
  for (const hook of userHooks) await hook(ctx, userIds)
  await ctx.db.user.deleteMany({ where: { id: { in: [...userIds] } } })
}
