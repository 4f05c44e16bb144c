import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { type Ask, found, readPage, type Slice, type Sortable } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'

export const withParts = { pool: true, type: true, attachments: true } satisfies Prisma.VolumeInclude
export type VolumeRow = Prisma.VolumeGetPayload<{ include: typeof withParts }>
export type VolumeWhere = {
  allProjects?: boolean
  /** Those that are deleted and can be taken back, instead of the others. */
  trashed?: boolean
  projectId?: string
  search?: string
  ids?: readonly string[]
  names?: readonly string[]
  states?: readonly string[]
  instanceId?: string
  zone?: string
  bootable?: boolean
  /** Entries that the metadata must have. */
  metadata?: Readonly<Record<string, string>>
  userId?: string
  sizeGib?: number
  typeId?: string
  /** Only volumes that this host reaches. */
  reachedBy?: string
}

/** By what the portal sorts volumes. */
export const sortableVolumes: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  size: [{ field: 'sizeGib' }],
  created: [{ field: 'createdAt' }],
}

/** By what the portal sorts deleted volumes. */
export const sortableTrash: Sortable = {
  until: [{ field: 'trashedUntil', nullable: true }],
  name: [{ field: 'name' }],
  size: [{ field: 'sizeGib' }],
}

/** Volumes as the portal, OpenStack's clients, exports and other rooms list them. */
export function queryVolumes(ctx: Ctx, { where, sort, page }: Ask<VolumeWhere>): Promise<Slice<VolumeRow>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'volume:list', scope)
  const filters: Prisma.VolumeWhereInput[] = [
    scope,
    { trashedUntil: where.trashed ? { not: null } : null },
    where.projectId === undefined ? {} : { projectId: where.projectId },
    where.search ? { OR: found(where.search) } : {},
    where.ids ? { id: { in: [...where.ids] } } : {},
    where.names ? { name: { in: [...where.names] } } : {},
    where.states ? { state: { in: [...where.states] } } : {},
    where.reachedBy ? { pool: { OR: [{ hostId: null }, { hostId: where.reachedBy }] } } : {},
    where.instanceId ? { attachments: { some: { instanceId: where.instanceId } } } : {},
    { zone: where.zone, bootable: where.bootable, userId: where.userId },
    { sizeGib: where.sizeGib, typeId: where.typeId },
    ...Object.entries(where.metadata ?? {}).map(([key, equals]) => ({ metadata: { path: [key], equals } })),
  ]
  return readPage<VolumeRow>(ctx.db.volume, {
    ...{ where: { AND: filters }, sort, page, include: withParts },
    unknownMarker: (marker) => notFound('volume', marker),
  })
}
