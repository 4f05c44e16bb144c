import type { Ctx } from '../../kernel/context.ts'

type UserHook = (ctx: Ctx, userIds: readonly string[]) => Promise<void>
const userHooks: UserHook[] = []
/** Later rooms remove here what belongs to a user and not to a project (compute: key pairs). In the transaction. */
export function onUserDeleting(hook: UserHook): void {
  userHooks.push(hook)
}

/** Deletes users with everything that is theirs: assignments, tokens, credentials, trusts. In a transaction. */
export async function forgetUsers(ctx: Ctx, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return
  for (const hook of userHooks) await hook(ctx, userIds)
  await ctx.db.user.deleteMany({ where: { id: { in: [...userIds] } } })
}
