import { type ProjectThing, removeEach } from '../directory/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { deleteServerGroup } from './groups/service.ts'
import { deleteInstance } from './instances/actions.ts'

/** The things of the compute room that belong to a project, and to a user. */

export const computeContents: ProjectThing[] = [
  {
    kind: 'instance',
    title: 'Instances',
    order: 10,
    count: (ctx, projectId) => ctx.db.instance.count({ where: { projectId, vmState: { not: 'deleted' } } }),
    async remove(ctx, projectId) {
      const rows = await ctx.db.instance.findMany({
        where: {
          projectId,
          vmState: { not: 'deleted' },
          OR: [{ taskState: null }, { taskState: { not: 'deleting' } }],
        },
        select: { id: true },
        take: 100,
      })
      return removeEach(rows, (id) => deleteInstance(ctx, { id }))
    },
  },
  {
    kind: 'serverGroup',
    title: 'Server groups',
    order: 15,
    count: (ctx, projectId) => ctx.db.serverGroup.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      const rows = await ctx.db.serverGroup.findMany({
        where: { projectId },
        select: { id: true },
        take: 100,
      })
      return removeEach(rows, (id) => deleteServerGroup(ctx, { id }))
    },
  },
  {
    kind: 'flavorAccess',
    title: 'Private flavors that it may launch',
    order: 80,
    count: (ctx, projectId) => ctx.db.flavorAccess.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      await ctx.db.flavorAccess.deleteMany({ where: { projectId } })
      return null
    },
  },
  {
    kind: 'pastInstance',
    title: 'Records of past instances',
    order: 90,
    count: (ctx, projectId) => ctx.db.pastInstance.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      await ctx.db.pastInstance.deleteMany({ where: { projectId } })
      return null
    },
  },
  {
    kind: 'userQuota',
    title: 'Quotas of single users',
    order: 91,
    count: (ctx, projectId) => ctx.db.userQuotaLimit.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      await ctx.db.userQuotaLimit.deleteMany({ where: { projectId } })
      return null
    },
  },
]

/** Deletes the key pairs and limits of deleted users. */
export async function forgetUsers(ctx: Ctx, userIds: readonly string[]): Promise<void> {
  await ctx.db.userQuotaLimit.deleteMany({ where: { userId: { in: [...userIds] } } })
  await ctx.db.keyPair.deleteMany({ where: { userId: { in: [...userIds] } } })
}
