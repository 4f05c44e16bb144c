import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, containing, found, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'

export const withVolume = {
  pool: true,
  volume: {
    select: {
      id: true,
      name: true,
      state: true,
      lineageId: true,
      imageMetadata: true,
      typeId: true,
      keyId: true,
      trashedUntil: true,
    },
  },
} satisfies Prisma.VolumeSnapshotInclude
export type SnapshotRow = Prisma.VolumeSnapshotGetPayload<{ include: typeof withVolume }>
export type SnapshotWhere = {
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
  groupSnapshotId?: string
  zone?: string
  userId?: string
  sizeGib?: number
  bootable?: boolean
  /** Entries that the metadata must have. */
  metadata?: Readonly<Record<string, string>>
}

/** By what the portal sorts snapshots. */
export const sortableSnapshots: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  size: [{ field: 'sizeGib' }],
  created: [{ field: 'createdAt' }],
}

/** By what the portal sorts deleted snapshots. */
export const sortableSnapshotTrash: Sortable = {
  until: [{ field: 'trashedUntil', nullable: true }],
  name: [{ field: 'name' }],
  size: [{ field: 'sizeGib' }],
}

/** Snapshots as the portal and OpenStack's clients list them. */
export function querySnapshots(
  ctx: Ctx,
  { where, sort, page }: Ask<SnapshotWhere>,
): Promise<Slice<SnapshotRow>> {
  return readPage<SnapshotRow>(ctx.db.volumeSnapshot, {
    ...{ where: filtered(ctx, where), sort, page, include: withVolume },
    unknownMarker: (marker) => notFound('snapshot', marker),
  })
}

/** How many snapshots a list has in all. */
export const countSnapshots = (ctx: Ctx, where: SnapshotWhere): Promise<number> =>
  ctx.db.volumeSnapshot.count({ where: filtered(ctx, where) })

/** The condition of a list that the caller may read; throws forbidden otherwise. */
function filtered(ctx: Ctx, where: SnapshotWhere): Prisma.VolumeSnapshotWhereInput {
  const scope = listScope(ctx, where)
  authorize(ctx, 'volumeSnapshot:list', scope)
  const filters: Prisma.VolumeSnapshotWhereInput[] = [
    scope,
    { trashedUntil: where.trashed ? { not: null } : null },
    { projectId: where.projectId, volumeId: where.volumeId, userId: where.userId },
    { sizeGib: where.sizeGib, bootable: where.bootable, groupSnapshotId: where.groupSnapshotId },
    where.search ? { OR: found(where.search) } : {},
    where.ids ? { id: { in: [...where.ids] } } : {},
    where.names ? { name: { in: [...where.names] } } : {},
    where.nameHas === undefined ? {} : { name: containing(where.nameHas) },
    where.states ? { state: { in: [...where.states] } } : {},
    where.zone ? { volume: { zone: where.zone } } : {},
    ...Object.entries(where.metadata ?? {}).map(([key, equals]) => ({ metadata: { path: [key], equals } })),
  ]
  return { AND: filters }
}
