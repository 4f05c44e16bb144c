import type { Ctx } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'

/**
 * Shares a network with everybody, or stops to. Two places say so: a policy for "*", and a column of the network. In a
 * transaction.
 */
export async function setShared(
  ctx: Ctx,
  network: { id: string; projectId: string },
  shared: boolean,
): Promise<void> {
  const policy = { objectId: network.id, action: 'access_as_shared', targetProject: '*' }
  if (!shared) {
    await refuseWhileUsed(ctx, network, '*')
    await ctx.db.rbacPolicy.deleteMany({ where: policy })
  } else
    await ctx.db.rbacPolicy.upsert({
      where: { objectId_action_targetProject: policy },
      create: { id: crypto.randomUUID(), projectId: network.projectId, ...policy },
      update: {},
    })
  await ctx.db.network.update({ where: { id: network.id }, data: { shared } })
}

/**
 * Throws conflict when a project has ports on the network through this policy alone: without it they would be cut off.
 */
export async function refuseWhileUsed(
  ctx: Ctx,
  network: { id: string; projectId: string },
  target: string,
): Promise<void> {
  const policies = await ctx.db.rbacPolicy.findMany({ where: { objectId: network.id } })
  const others = policies.map((p) => p.targetProject).filter((other) => other !== target)
  if (others.includes('*')) return
  const used = await ctx.db.port.count({
    where: {
      networkId: network.id,
      projectId: target === '*' ? { notIn: ['', network.projectId, ...others] } : target,
    },
  })
  if (used > 0)
    throw conflict(
      `${used} ports of other projects are on this network, so it stays shared with them. Delete those first.`,
      'invalidSharedSetting',
    )
}
