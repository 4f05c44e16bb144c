import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope, seesAll } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { type Ask, containing, found, readPage, type Slice, type Sortable } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { isUuid } from './uuid.ts'

export const withParts = {
  pool: true,
  type: { include: { qos: true } },
  attachments: true,
} satisfies Prisma.VolumeInclude
export type VolumeRow = Prisma.VolumeGetPayload<{ include: typeof withParts }>
export type TimeFilter = { [comparison in 'gt' | 'gte' | 'equals' | 'not' | 'lt' | 'lte']?: Date }
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
  /** Name or id of the type. */
  type?: string
  snapshotId?: string
  sourceVolumeId?: string
  multiattach?: boolean
  keyId?: string
  groupId?: string
  migrationStatus?: string
  /** The status in Cinder's words. */
  status?: string
  /** The name of the pool in which they lie. */
  pool?: string
  /** Only volumes with an attachment, or a reservation by an attachment, that fits all of this; `only`: one of the two. */
  taken?: { instanceId?: string; state?: string; only?: 'attached' | 'reserved' }
  /** A part of the name, in any case. */
  nameHas?: string
  imageId?: string
  imageName?: string
  /** Entries that users have written about the image. */
  imageMetadata?: Readonly<Record<string, string>>
  /** All of these must hold. */
  createdAt?: readonly TimeFilter[]
  updatedAt?: readonly TimeFilter[]
  /** Only volumes that this instance may be given, as far as their state says. */
  freeFor?: string
  /** Only volumes that this host reaches. */
  reachedBy?: { hostId: string; zone: string }
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
  return readPage<VolumeRow>(ctx.db.volume, {
    ...{ where: filtered(ctx, where), sort, page, include: withParts },
    // A page of attachments may begin behind a volume that has none (any more).
    ...(where.taken ? { markerWithin: filtered(ctx, { ...where, taken: undefined }) } : {}),
    unknownMarker: (marker) => notFound('volume', marker),
  })
}

/** How many volumes a list has in all. */
export const countVolumes = (ctx: Ctx, where: VolumeWhere): Promise<number> =>
  ctx.db.volume.count({ where: filtered(ctx, where) })

/** The condition of a list that the caller may read; throws forbidden otherwise. */
export function filtered(ctx: Ctx, where: VolumeWhere): Prisma.VolumeWhereInput {
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
    where.status === undefined ? {} : ofStatus(where.status),
    // Others than those who see all hosts must not learn where volumes lie.
    where.pool === undefined ? {} : seesAll(ctx) ? { pool: { name: where.pool } } : { id: { in: [] } },
    where.reachedBy ? { pool: reachedBy(where.reachedBy) } : {},
    where.freeFor ? freeFor(where.freeFor) : {},
    where.instanceId ? { attachments: { some: { instanceId: where.instanceId } } } : {},
    { migrationStatus: where.migrationStatus },
    { zone: where.zone, bootable: where.bootable, userId: where.userId },
    { snapshotId: where.snapshotId, sourceVolumeId: where.sourceVolumeId },
    { multiattach: where.multiattach, keyId: where.keyId },
    where.type === undefined ? {} : ofType(where.type),
    {
      sizeGib: where.sizeGib,
      typeId: where.typeId,
      groupId: where.groupId,
      imageId: where.imageId,
      imageName: where.imageName,
    },
    where.taken ? { OR: takenAs(where.taken) } : {},
    where.nameHas === undefined ? {} : { name: containing(where.nameHas) },
    ...(where.createdAt ?? []).map((createdAt) => ({ createdAt })),
    ...(where.updatedAt ?? []).map((updatedAt) => ({ updatedAt })),
    ...Object.entries(where.metadata ?? {}).map(([key, equals]) => ({ metadata: { path: [key], equals } })),
    ...Object.entries(where.imageMetadata ?? {}).map(([key, equals]) => ({
      imageMetadata: { path: [key], equals },
    })),
  ]
  return { AND: filters }
}

const ofType = (named: string): Prisma.VolumeWhereInput =>
  isUuid(named) ? { OR: [{ typeId: named }, { type: { name: named } }] } : { type: { name: named } }

/** By Cinder's status, in which a volume that an instance has stays in use while it moves. */
function ofStatus(status: string): Prisma.VolumeWhereInput {
  const moving = { state: 'maintenance' }
  if (status === 'in-use') return { OR: [{ state: status }, { ...moving, attachments: { some: {} } }] }
  return status === 'maintenance' ? { ...moving, attachments: { none: {} } } : { state: status }
}

/** By an attachment in that state, or by a reservation, which is a state of its own. */
function takenAs({ instanceId, state, only }: NonNullable<VolumeWhere['taken']>): Prisma.VolumeWhereInput[] {
  const attached = { attachments: { some: { instanceId, state } } }
  const reserved = { reservations: { some: { instanceId } } }
  if (only !== undefined) return [only === 'attached' ? attached : reserved]
  if (state === undefined) return [attached, reserved]
  return state === 'reserved' ? [reserved] : [attached]
}

const reachedBy = ({ hostId, zone }: { hostId: string; zone: string }): Prisma.VolumePoolWhereInput => ({
  OR: [{ hostId }, { hostId: null, zone: null }, { hostId: null, zone }],
})

/** Also those that are reserved for the instance, and those that other instances have, when they are for several and their pool gives them to several. */
const freeFor = (instanceId: string): Prisma.VolumeWhereInput => ({
  OR: [
    { state: 'available' },
    { state: 'reserved', reservations: { some: { instanceId } } },
    {
      ...{ state: 'in-use', multiattach: true, pool: { hostId: { not: null } } },
      attachments: { none: { instanceId } },
    },
  ],
})
