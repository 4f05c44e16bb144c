import type { z } from 'zod'
import { demandNoMore, loadUser, newId, refuseDelegation } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { whole } from '../../kernel/page.ts'
import type { AccessRuleView, accessRuleChoice } from './contract.ts'
import { toRuleView } from './views.ts'

/** Access rules belong to the user; the user's application credentials share them. */

type Choice = z.input<typeof accessRuleChoice>
/**
 * Returns the ids of the rules that `wanted` names or describes, and creates those that do not exist. Runs in a
 * transaction that has locked the user.
 */
export async function ruleIds(ctx: Ctx, userId: string, wanted: readonly Choice[]): Promise<string[]> {
  const ids = new Set<string>()
  for (const choice of wanted) {
    const { db } = ctx
    if ('id' in choice) {
      if (!(await db.accessRule.findFirst({ where: { id: choice.id, userId } })))
        throw notFound('access rule', choice.id)
      ids.add(choice.id)
      continue
    }
    const { service, method, path } = choice
    const found = await db.accessRule.findFirst({ where: { userId, service, method, path } })
    const rule =
      found ?? (await db.accessRule.create({ data: { id: newId(), userId, service, method, path } }))
    ids.add(rule.id)
  }
  return [...ids]
}

/** Lists the caller's own access rules, or those of a user whom the caller may administer or read. */
export async function listAccessRules(
  ctx: Ctx,
  input: { userId?: string } & Partial<Omit<AccessRuleView, 'id'>>,
): Promise<AccessRuleView[]> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:list_access_rules')
  const { service, method, path } = input
  const where = { userId: user.id, service, method, path }
  const rows = await ctx.db.accessRule.findMany({ where, orderBy: { id: 'asc' }, take: 10_001 })
  return whole(rows, 10_000, 'Delete access rules that nothing uses.').map(toRuleView)
}

export async function getAccessRule(
  ctx: Ctx,
  input: { userId: string; id: string },
  action = 'identity:get_access_rule',
): Promise<AccessRuleView> {
  const user = await loadUser(ctx, input.userId, action)
  const row = await ctx.db.accessRule.findFirst({ where: { id: input.id, userId: user.id } })
  if (!row) throw notFound('access rule', input.id)
  return toRuleView(row)
}

/**
 * Deletes a rule that no application credential uses. A credential that lost its last rule would allow every request.
 */
export async function deleteAccessRule(ctx: Ctx, input: { userId: string; id: string }): Promise<void> {
  const rule = await getAccessRule(ctx, input, 'identity:delete_access_rule')
  await demandNoMore(ctx, await loadUser(ctx, input.userId))
  refuseDelegation(ctx, 'delete access rules')
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "AccessRule" WHERE "id" = ${rule.id} FOR UPDATE`
    const used = await tx.db.applicationCredentialAccessRule.count({ where: { accessRuleId: rule.id } })
    if (used > 0)
      // This is Keystone's own sentence.
      throw new CloudError('forbidden', 'May not delete access rule in use')
    await tx.db.accessRule.deleteMany({ where: { id: rule.id } })
    await appendEvent(tx, {
      kind: 'accessRule.deleted',
      projectId: null,
      resourceKind: 'accessRule',
      resourceId: rule.id,
      data: { userId: input.userId },
    })
  })
}
