import type { Ctx } from '../kernel/context.ts'

/** Ends every delegation in a project. Runs in the transaction that begins the deletion of the project. */
export async function endDelegationsIn(ctx: Ctx, projectId: string): Promise<void> {
  const where = { projectId }
  await ctx.db.applicationCredential.deleteMany({ where })
  await ctx.db.trust.deleteMany({ where })
  await ctx.db.oAuthRequestToken.deleteMany({ where })
  await ctx.db.oAuthAccessToken.deleteMany({ where })
}
