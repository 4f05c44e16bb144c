import type { Ctx } from '../../kernel/context.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'

/**
 * A domain that was deleted while projects of its were going stays as a row that nobody sees and no name
 * stands for, until the last of them is gone.
 */

/** In the transaction that removes a project: its domain waits, so that of two last ones the second sees the first. */
export async function lockDomainOf(ctx: Ctx, projectId: string): Promise<string | null> {
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT d."id" FROM "Domain" d WHERE d."id" = (SELECT "domainId" FROM "Project" WHERE "id" = ${projectId})
    FOR NO KEY UPDATE`
  return rows[0]?.id ?? null
}

/** The rows of deleted domains (or of one) without any project. */
export async function dropDeletedDomains(ctx: Ctx, id?: string): Promise<void> {
  await ctx.db.domain.deleteMany({ where: { id, deleting: true, projects: { none: {} } } })
}

/** For projects that the version before ends, which knows no such domains. */
export const deletedDomains: Reconciler = {
  name: 'directory.deleted-domains',
  everyMs: 60_000,
  run: (ctx) => dropDeletedDomains(ctx),
}
