import { onProjectDeleting, onUserDeleting, removeEach } from '../identity/service.ts'
import { deleteInstance } from './instances/actions.ts'

/** What compute has of a project, and of a user. */

onProjectDeleting({
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
})

onUserDeleting(async (ctx, userIds) => {
  await ctx.db.keyPair.deleteMany({ where: { userId: { in: [...userIds] } } })
})
