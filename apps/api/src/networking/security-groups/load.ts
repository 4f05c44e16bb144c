import type { SecurityGroupModel } from '@stratolith/db'
import { type Ctx, projectOf, visible } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'

export async function loadGroup(ctx: Ctx, action: string, id: string): Promise<SecurityGroupModel> {
  const row = await ctx.db.securityGroup.findFirst({ where: { ...visible(ctx), id } })
  if (!row) throw notFound('security group', id)
  authorize(ctx, action, { projectId: row.projectId })
  return row
}

/**
 * Loads all groups of `ids`, which must be of the scope's project (for administrators, too). Throws not_found. In a
 * transaction they are locked against deletion until its end.
 */
export async function loadGroups(
  ctx: Ctx,
  action: string,
  ids: readonly string[],
): Promise<SecurityGroupModel[]> {
  const projectId = ctx.scope.kind === 'project' ? ctx.scope.projectId : ''
  if (ctx.db !== ctx.deps.root)
    await ctx.db.$executeRaw`
      SELECT 1 FROM "SecurityGroup" WHERE "id" = ANY(${[...ids].sort()}::uuid[]) ORDER BY "id" FOR KEY SHARE`
  const rows = await ctx.db.securityGroup.findMany({ where: { id: { in: [...ids] }, projectId } })
  for (const id of ids) if (!rows.some((row) => row.id === id)) throw notFound('security group', id)
  for (const row of rows) authorize(ctx, action, { projectId: row.projectId })
  return rows
}

export const groupEvent = (
  ctx: Ctx,
  row: Pick<SecurityGroupModel, 'id' | 'projectId'>,
  what: 'created' | 'updated' | 'deleted',
) =>
  appendEvent(ctx, {
    kind: `securityGroup.${what}`,
    projectId: row.projectId,
    resourceKind: 'securityGroup',
    resourceId: row.id,
  })

/** Returns the groups of the caller's project whose ID or name is one of `refs`; several groups may have one name. */
export async function findSecurityGroups(
  ctx: Ctx,
  refs: readonly string[],
): Promise<{ id: string; name: string }[]> {
  const ids = refs.filter((ref) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ref))
  return ctx.db.securityGroup.findMany({
    where: { projectId: projectOf(ctx), OR: [{ id: { in: ids } }, { name: { in: [...refs] } }] },
    select: { id: true, name: true },
  })
}
