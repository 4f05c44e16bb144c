import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, containing, found, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { type GroupRow, type GroupSnapshotRow, withSnapshots, withVolumes } from './row.ts'

export type GroupWhere = {
  allProjects?: boolean
  projectId?: string
  search?: string
  names?: readonly string[]
  /** A part of the name, in any case. */
  nameHas?: string
  states?: readonly string[]
  ids?: readonly string[]
  userId?: string
  /** The type of the group. */
  typeId?: string
  /** The zone of a group, and of what its volumes were made. */
  zone?: string
  groupSnapshotId?: string
  sourceGroupId?: string
  /** The group of a group snapshot. */
  groupId?: string
}

/** By what the portal sorts groups and group snapshots. */
export const sortableGroups: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  created: [{ field: 'createdAt' }],
}

/** Groups as the portal and OpenStack's clients list them. */
export function queryGroups(ctx: Ctx, { where, sort, page }: Ask<GroupWhere>): Promise<Slice<GroupRow>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'volumeGroup:list', scope)
  const { typeId, zone, groupSnapshotId, sourceGroupId } = where
  const own = { typeId, zone, groupSnapshotId, sourceGroupId }
  const filters: Prisma.VolumeGroupWhereInput[] = [scope, ...common(where), own]
  return readPage<GroupRow>(ctx.db.volumeGroup, {
    ...{ where: { AND: filters }, sort, page, include: withVolumes },
    unknownMarker: (marker) => notFound('volume group', marker),
  })
}

/** Group snapshots, in the same way. */
export function queryGroupSnapshots(
  ctx: Ctx,
  { where, sort, page }: Ask<GroupWhere>,
): Promise<Slice<GroupSnapshotRow>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'volumeGroupSnapshot:list', scope)
  const filters: Prisma.VolumeGroupSnapshotWhereInput[] = [
    scope,
    ...common(where),
    { groupId: where.groupId },
    where.typeId === undefined ? {} : { group: { typeId: where.typeId } },
  ]
  return readPage<GroupSnapshotRow>(ctx.db.volumeGroupSnapshot, {
    ...{ where: { AND: filters }, sort, page, include: withSnapshots },
    unknownMarker: (marker) => notFound('group snapshot', marker),
  })
}

/** The filters that both lists have. */
const common = (where: GroupWhere) => [
  { projectId: where.projectId, userId: where.userId },
  where.ids ? { id: { in: [...where.ids] } } : {},
  where.search ? { OR: found(where.search) } : {},
  where.names ? { name: { in: [...where.names] } } : {},
  where.nameHas === undefined ? {} : { name: containing(where.nameHas) },
  where.states ? { state: { in: [...where.states] } } : {},
]
