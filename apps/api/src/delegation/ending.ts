import type { Ctx } from '../kernel/context.ts'

/** Whoever acts in somebody's name in this project does so no more. In the transaction that begins its deletion. */
export async function endDelegationsIn(ctx: Ctx, projectId: string): Promise<void> {
  const where = { projectId }
  await ctx.db.applicationCredential.deleteMany({ where })
  await ctx.db.trust.deleteMany({ where })
  await ctx.db.oAuthRequestToken.deleteMany({ where })
  await ctx.db.oAuthAccessToken.deleteMany({ where })
}
