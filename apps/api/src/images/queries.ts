import type { Prisma } from '@stratolith/db'
import { type Ctx, seesAll } from '../kernel/context.ts'
import { invalidInput } from '../kernel/errors.ts'
import { type Ask, found, type Order, readPage, type Slice, type Sortable } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import type { ImageState, ImageView, ImageVisibility, MemberStatus } from './contract.ts'
import { type ImageRow, listedImages, offeredImages, viewOf } from './load.ts'

export type ImageSortField =
  | 'id'
  | 'name'
  | 'state'
  | 'diskFormat'
  | 'containerFormat'
  | 'visibility'
  | 'sizeBytes'
  | 'virtualBytes'
  | 'minDiskGib'
  | 'minRamMib'
  | 'projectId'
  | 'protected'
  | 'createdAt'
  | 'updatedAt'
export type Range<T> = { gte?: T; lt?: T; lte?: T; equals?: T }

/** What a list may be narrowed to, by whichever door. Lists of values mean any of them. */
export type ImageWhere = {
  /** Those of every project; for who sees them. */
  allProjects?: boolean
  /** What others share with the project and it has not answered yet, alone. */
  offered?: boolean
  /** Part of the name, or the beginning of the id. */
  search?: string
  ids?: string[]
  names?: string[]
  states?: ImageState[]
  diskFormats?: string[]
  containerFormats?: string[]
  projectIds?: string[]
  /** 'all' also shows images of other projects' community. */
  visibility?: ImageVisibility | 'all'
  memberStatus?: MemberStatus | 'all'
  tags?: string[]
  protected?: boolean
  /** Hidden ones alone, or the others alone; otherwise both. */
  hidden?: boolean
  sizeBytes?: Range<bigint>
  virtualBytes?: Range<bigint>
  minDiskGib?: Range<number>
  minRamMib?: Range<number>
  checksumMd5?: string
  /** Whether it has a sha512, which is the only hash that there is. */
  hashed?: boolean
  sha512?: string
  /** In any of these. */
  createdAt?: Range<Date>[]
  updatedAt?: Range<Date>[]
  description?: string
  properties?: Record<string, string>
}
/** What OpenStack's clients ask for. */
export type ImageFilter = ImageWhere & {
  orderBy: { field: ImageSortField; dir: 'asc' | 'desc' }[]
  limit: number
  /** Id of the last image of the page before. */
  marker?: string
}

/** By what the portal sorts images. */
export const sortableImages: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  format: [{ field: 'diskFormat', nullable: true }],
  size: [{ field: 'sizeBytes', nullable: true }],
  visibility: [{ field: 'visibility' }, { field: 'name' }],
  created: [{ field: 'createdAt' }],
}

/**
 * Images as the portal, OpenStack's clients and exports list them: the project's own, public ones and what was shared
 * with it, or those of all projects; the community's only when they are asked for.
 */
export function queryImages(ctx: Ctx, { where, sort, page }: Ask<ImageWhere>): Promise<Slice<ImageRow>> {
  authorize(ctx, 'image:list')
  const listed = where.allProjects && seesAll(ctx) ? {} : listedImages(ctx, where.memberStatus)
  return readPage<ImageRow>(ctx.db.image, {
    where: {
      AND: [
        where.offered ? offeredImages(ctx) : listed,
        visibilityWhere(ctx, where.visibility),
        { state: { not: 'deleted' } },
        attributesWhere(where),
        where.search ? { OR: found(where.search) } : {},
        ...Object.entries(where.properties ?? {}).map(([key, equals]) => ({
          properties: { path: [key], equals },
        })),
      ],
    },
    sort,
    page,
    // Within the same filter (R1): a marker tells nothing of an image that the list does not show.
    unknownMarker: () =>
      invalidInput('The marker names no image of this list. Start at the first page.', 'marker'),
  })
}

/**
 * A page as OpenStack's clients list images: administrators see every project's. `next` is the marker of the next
 * page, null on the last.
 */
export async function findImages(
  ctx: Ctx,
  { orderBy, limit, marker, ...filter }: ImageFilter,
): Promise<{ images: ImageView[]; next: string | null }> {
  const { rows, next } = await queryImages(ctx, {
    where: { ...filter, allProjects: seesAll(ctx), hidden: filter.hidden ?? false },
    sort: orderOf(orderBy),
    page: { limit, marker },
  })
  return {
    images: rows.map((row) => viewOf(ctx, row)),
    next: next === null ? null : (rows.at(-1)?.id ?? null),
  }
}

function visibilityWhere(ctx: Ctx, asked: ImageFilter['visibility']): Prisma.ImageWhereInput {
  if (asked === 'all') return {}
  if (asked !== undefined) return { visibility: asked }
  const own = ctx.scope.kind === 'project' ? [{ projectId: ctx.scope.projectId }] : []
  return { OR: [{ visibility: { not: 'community' } }, ...own] }
}

function attributesWhere(filter: ImageWhere): Prisma.ImageWhereInput {
  const anyOf = <T>(values: T[] | undefined) => (values === undefined ? undefined : { in: values })
  return {
    id: anyOf(filter.ids),
    name: anyOf(filter.names),
    state: anyOf(filter.states),
    diskFormat: anyOf(filter.diskFormats),
    containerFormat: anyOf(filter.containerFormats),
    projectId: anyOf(filter.projectIds),
    tags: filter.tags && filter.tags.length > 0 ? { hasEvery: filter.tags } : undefined,
    protected: filter.protected,
    hidden: filter.hidden,
    sizeBytes: filter.sizeBytes,
    virtualBytes: filter.virtualBytes,
    minDiskGib: filter.minDiskGib,
    minRamMib: filter.minRamMib,
    checksumMd5: filter.checksumMd5,
    sha512: filter.sha512,
    description: filter.description,
    AND: [
      filter.hashed === undefined ? {} : filter.hashed ? { sha512: { not: null } } : { id: { in: [] } },
      filter.createdAt ? { OR: filter.createdAt.map((createdAt) => ({ createdAt })) } : {},
      filter.updatedAt ? { OR: filter.updatedAt.map((updatedAt) => ({ updatedAt })) } : {},
    ],
  }
}

const nullable = new Set<ImageSortField>(['diskFormat', 'containerFormat', 'sizeBytes', 'virtualBytes'])

/** Ends in the time and the id, in the last direction that was asked for. */
function orderOf(asked: ImageFilter['orderBy']): Order {
  const dir = asked.at(-1)?.dir ?? 'desc'
  const order = asked.map((one) => ({ ...one, nullable: nullable.has(one.field) }))
  return asked.some(({ field }) => field === 'createdAt') ? order : [...order, { field: 'createdAt', dir }]
}
