import { type ProjectThing, removeEach } from '../directory/service.ts'
import { removeBackupNow } from './backups/trash.ts'
import { deleteGroup } from './groups/service.ts'
import { deleteGroupSnapshot } from './groups/snapshots.ts'
import { removeSnapshotNow } from './snapshots/trash.ts'
import { removeVolumeNow } from './trash/service.ts'

/** What goes with a project, after its instances. */
export const volumeContents: ProjectThing[] = [
  {
    kind: 'volumeGroupSnapshot',
    title: 'Group snapshots',
    order: 32,
    count: (ctx, projectId) => ctx.db.volumeGroupSnapshot.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      const where = { projectId, state: { not: 'deleting' } }
      const rows = await ctx.db.volumeGroupSnapshot.findMany({ where, select: { id: true }, take: 100 })
      return removeEach(rows, (id) => deleteGroupSnapshot(ctx, { id }))
    },
  },
  {
    kind: 'volumeGroup',
    title: 'Volume groups',
    order: 33,
    count: (ctx, projectId) => ctx.db.volumeGroup.count({ where: { projectId } }),
    async remove(ctx, projectId) {
      const rows = await ctx.db.volumeGroup.findMany({
        where: { projectId },
        select: { id: true },
        take: 100,
      })
      return removeEach(rows, (id) => deleteGroup(ctx, { id, volumes: 'keep' }))
    },
  },
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
        // The parts of group snapshots go with those.
        where: { projectId, groupSnapshotId: null, state: { not: 'deleting' } },
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
