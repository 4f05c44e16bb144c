import { type ProjectThing, removeEach } from '../directory/service.ts'
import { inTransaction } from '../kernel/context.ts'
import { deleteFloatingIp } from './floating-ips/service.ts'
import { deleteNetwork } from './networks/service.ts'
import { deletePortRows } from './ports/rows.ts'
import { deleteRouter } from './routers/service.ts'
import { deleteSecurityGroup, forgetDefaultGroup } from './security-groups/service.ts'

/** The things of networking that a project has, in the order of deletion: what leads outside goes first. */

const most = { select: { id: true }, take: 100 } as const

export const networkingContents: ProjectThing[] = [
  {
    kind: 'floatingIp',
    title: 'Floating IPs',
    order: 20,
    count: (ctx, projectId) => ctx.db.floatingIp.count({ where: { projectId } }),
    remove: async (ctx, projectId) =>
      removeEach(await ctx.db.floatingIp.findMany({ where: { projectId }, ...most }), (id) =>
        deleteFloatingIp(ctx, { id }),
      ),
  },
  {
    kind: 'router',
    title: 'Routers',
    order: 30,
    count: (ctx, projectId) => ctx.db.router.count({ where: { projectId } }),
    remove: async (ctx, projectId) =>
      removeEach(
        await ctx.db.router.findMany({ where: { projectId, state: { not: 'deleting' } }, ...most }),
        (id) => deleteRouter(ctx, { id }),
      ),
  },
  /**
   * Ports of instances and routers are deleted with these; a port without a device is on no host, so its rows are
   * enough.
   */
  {
    kind: 'port',
    title: 'Ports',
    order: 40,
    count: (ctx, projectId) => ctx.db.port.count({ where: { projectId } }),
    remove: async (ctx, projectId) => {
      const rows = await ctx.db.port.findMany({ where: { projectId, deviceId: '' }, ...most })
      await inTransaction(ctx, (tx) =>
        deletePortRows(
          tx,
          rows.map((row) => row.id),
        ),
      )
      return null
    },
  },
  {
    kind: 'network',
    title: 'Networks',
    order: 50,
    count: (ctx, projectId) => ctx.db.network.count({ where: { projectId } }),
    remove: async (ctx, projectId) =>
      removeEach(
        await ctx.db.network.findMany({ where: { projectId, state: { not: 'deleting' } }, ...most }),
        (id) => deleteNetwork(ctx, { id }),
      ),
  },
  {
    kind: 'securityGroup',
    title: 'Security groups',
    order: 60,
    count: (ctx, projectId) => ctx.db.securityGroup.count({ where: { projectId } }),
    remove: async (ctx, projectId) => {
      const rows = await ctx.db.securityGroup.findMany({ where: { projectId, isDefault: false }, ...most })
      const why = await removeEach(rows, (id) => deleteSecurityGroup(ctx, { id }))
      if (why === null) await inTransaction(ctx, (tx) => forgetDefaultGroup(tx, projectId))
      return why
    },
    removeOriginal: forgetDefaultGroup,
  },
]
