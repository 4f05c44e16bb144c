import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, found, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'

export const withVolume = {
  pool: true,
  volume: { select: { id: true, name: true, state: true } },
} satisfies Prisma.VolumeSnapshotInclude
export type SnapshotRow = Prisma.VolumeSnapshotGetPayload<{ include: typeof withVolume }>
export type SnapshotWhere = {
  allProjects?: boolean
  projectId?: string
  search?: string
  ids?: readonly string[]
  names?: readonly string[]
  states?: readonly string[]
  volumeId?: string
  zone?: string
  userId?: string
  sizeGib?: number
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

/** Snapshots as the portal and OpenStack's clients list them. */
export function querySnapshots(
  ctx: Ctx,
  { where, sort, page }: Ask<SnapshotWhere>,
): Promise<Slice<SnapshotRow>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'volumeSnapshot:list', scope)
  const filters: Prisma.VolumeSnapshotWhereInput[] = [
    scope,
    { projectId: where.projectId, volumeId: where.volumeId, userId: where.userId },
    { sizeGib: where.sizeGib },
    where.search ? { OR: found(where.search) } : {},
    where.ids ? { id: { in: [...where.ids] } } : {},
    where.names ? { name: { in: [...where.names] } } : {},
    where.states ? { state: { in: [...where.states] } } : {},
    where.zone ? { volume: { zone: where.zone } } : {},
    ...Object.entries(where.metadata ?? {}).map(([key, equals]) => ({ metadata: { path: [key], equals } })),
  ]
  return readPage<SnapshotRow>(ctx.db.volumeSnapshot, {
    ...{ where: { AND: filters }, sort, page, include: withVolume },
    unknownMarker: (marker) => notFound('snapshot', marker),
  })
}
