import type { Ctx } from '../../kernel/context.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'

/**
 * A domain that was deleted while some of its projects were still being deleted keeps its row until the last of these
 * projects is gone. Nobody sees the row, and its name is free.
 */

/**
 * Locks the domain of a project in the transaction that removes the project, so that of the two last projects the
 * second sees that the first is gone.
 */
export async function lockDomainOf(ctx: Ctx, projectId: string): Promise<string | null> {
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT d."id" FROM "Domain" d WHERE d."id" = (SELECT "domainId" FROM "Project" WHERE "id" = ${projectId})
    FOR NO KEY UPDATE`
  return rows[0]?.id ?? null
}

/** Deletes the rows of deleted domains (or of one of them) that have no projects left. */
export async function dropDeletedDomains(ctx: Ctx, id?: string): Promise<void> {
  await ctx.db.domain.deleteMany({ where: { id, deleting: true, projects: { none: {} } } })
}

/**
 * Cleans up after projects whose deletion a worker of the previous version has finished, which does not delete such
 * domains.
 */
export const deletedDomains: Reconciler = {
  // A reconciler's name is its lock, which the version before takes, too.
  name: 'identity.deleted-domains',
  everyMs: 60_000,
  run: (ctx) => dropDeletedDomains(ctx),
}
