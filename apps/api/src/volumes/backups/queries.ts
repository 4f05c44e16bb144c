import type { Prisma, VolumeBackupModel } from '@stratolith/db'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, containing, found, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'

export type BackupRow = VolumeBackupModel
export type BackupWhere = {
  allProjects?: boolean
  /** Those that are deleted and can be taken back, instead of the others. */
  trashed?: boolean
  projectId?: string
  search?: string
  ids?: readonly string[]
  names?: readonly string[]
  /** A part of the name, in any case. */
  nameHas?: string
  states?: readonly string[]
  volumeId?: string
  userId?: string
  snapshotId?: string
  parentId?: string
  isIncremental?: boolean
  container?: string
  zone?: string
  sizeGib?: number
  bootable?: boolean
}

/** By what the portal sorts backups. */
export const sortableBackups: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  size: [{ field: 'sizeGib' }],
  created: [{ field: 'createdAt' }],
}

/** By what the portal sorts deleted backups. */
export const sortableBackupTrash: Sortable = {
  until: [{ field: 'trashedUntil', nullable: true }],
  name: [{ field: 'name' }],
  size: [{ field: 'sizeGib' }],
}

/** Backups as the portal and OpenStack's clients list them. */
export function queryBackups(ctx: Ctx, { where, sort, page }: Ask<BackupWhere>): Promise<Slice<BackupRow>> {
  return readPage<BackupRow>(ctx.db.volumeBackup, {
    ...{ where: filtered(ctx, where), sort, page },
    unknownMarker: (marker) => notFound('backup', marker),
  })
}

/** How many backups a list has in all. */
export const countBackups = (ctx: Ctx, where: BackupWhere): Promise<number> =>
  ctx.db.volumeBackup.count({ where: filtered(ctx, where) })

/** The condition of a list that the caller may read; throws forbidden otherwise. */
function filtered(ctx: Ctx, where: BackupWhere): Prisma.VolumeBackupWhereInput {
  const scope = listScope(ctx, where)
  authorize(ctx, 'volumeBackup:list', scope)
  const filters: Prisma.VolumeBackupWhereInput[] = [
    scope,
    { trashedUntil: where.trashed ? { not: null } : null },
    { projectId: where.projectId, volumeId: where.volumeId, userId: where.userId },
    {
      snapshotId: where.snapshotId,
      parentId: where.parentId,
      container: where.container,
      zone: where.zone,
      sizeGib: where.sizeGib,
      bootable: where.bootable,
    },
    where.isIncremental === undefined ? {} : { parentId: where.isIncremental ? { not: null } : null },
    where.search ? { OR: found(where.search) } : {},
    where.ids ? { id: { in: [...where.ids] } } : {},
    where.names ? { name: { in: [...where.names] } } : {},
    where.nameHas === undefined ? {} : { name: containing(where.nameHas) },
    where.states ? { state: { in: [...where.states] } } : {},
  ]
  return { AND: filters }
}
