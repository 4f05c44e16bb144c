import { type ProjectThing, removeEach } from '../directory/service.ts'
import { removeBackupNow } from './backups/trash.ts'
import { removeSnapshotNow } from './snapshots/trash.ts'
import { removeVolumeNow } from './trash/service.ts'

/** What goes with a project, after its instances. */
export const volumeContents: ProjectThing[] = [
  {
    kind: 'volumeBackup',
    title: 'Volume backups',
    order: 33,
    count: (ctx, projectId) => ctx.db.volumeBackup.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      const where = { projectId, state: { not: 'deleting' } }
      const rows = await ctx.db.volumeBackup.findMany({ where, select: { id: true }, take: 100 })
      return removeEach(rows, (id) => removeBackupNow(ctx, { id }))
    },
  },
  {
    kind: 'volumeSnapshot',
    title: 'Volume snapshots',
    order: 34,
    count: (ctx, projectId) => ctx.db.volumeSnapshot.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      const rows = await ctx.db.volumeSnapshot.findMany({
        where: { projectId, state: { not: 'deleting' } },
        select: { id: true },
        take: 100,
      })
      return removeEach(rows, (id) => removeSnapshotNow(ctx, { id }))
    },
  },
  {
    kind: 'volume',
    title: 'Volumes',
    order: 35,
    count: (ctx, projectId) => ctx.db.volume.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      const where = { projectId, state: { not: 'deleting' } }
      const rows = await ctx.db.volume.findMany({ where, select: { id: true }, take: 100 })
      // Nobody is left who could take them back.
      return removeEach(rows, (id) => removeVolumeNow(ctx, { id }))
    },
  },
]
