import type { Prisma } from '@stratolith/db'
import { type Ctx, projectOf, seesAll } from '../kernel/context.ts'
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

/** Filters of a list of images, for both doors. A list of values matches any of its values. */
export type ImageWhere = {
  /** Include images of every project; only for callers who see all projects. */
  allProjects?: boolean
  /** Only images that other projects share with this project and that this project has not answered yet. */
  offered?: boolean
  /** Part of the name, or the beginning of the id. */
  search?: string
  ids?: string[]
  names?: string[]
  states?: ImageState[]
  diskFormats?: string[]
  containerFormats?: string[]
  projectIds?: string[]
  /** 'all' also shows community images of other projects. */
  visibility?: ImageVisibility | 'all'
  memberStatus?: MemberStatus | 'all'
  tags?: string[]
  protected?: boolean
  /**
   * True: only hidden images; false: only images that are not hidden; 'own': of hidden images only the project's own;
   * absent: all.
   */
  hidden?: boolean | 'own'
  sizeBytes?: Range<bigint>
  virtualBytes?: Range<bigint>
  minDiskGib?: Range<number>
  minRamMib?: Range<number>
  checksumMd5?: string
  /** Whether the image has a SHA-512, which is the only hash that the cloud keeps. */
  hashed?: boolean
  sha512?: string
  /** The time lies in any of these ranges. */
  createdAt?: Range<Date>[]
  updatedAt?: Range<Date>[]
  description?: string
  properties?: Record<string, string>
}
/** The filter, order and page that clients of OpenStack ask for. */
export type ImageFilter = ImageWhere & {
  orderBy: { field: ImageSortField; dir: 'asc' | 'desc' }[]
  limit: number
  /** Id of the last image of the page before this page. */
  marker?: string
}

/** The columns by which the portal sorts images. */
export const sortableImages: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  format: [{ field: 'diskFormat', nullable: true }],
  size: [{ field: 'sizeBytes', nullable: true }],
  visibility: [{ field: 'visibility' }, { field: 'name' }],
  created: [{ field: 'createdAt' }],
}

/**
 * Lists images for the portal, clients of OpenStack and exports: the project's own images, public images and images
 * that are shared with the project, or those of all projects; community images only when the filter asks for them.
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
        where.hidden === 'own' ? { OR: [{ hidden: false }, { projectId: projectOf(ctx) }] } : {},
        where.search ? { OR: found(where.search) } : {},
        ...Object.entries(where.properties ?? {}).map(([key, equals]) => ({
          properties: { path: [key], equals },
        })),
      ],
    },
    sort,
    page,
    // The marker is searched within the same filter (R1), so that a marker tells nothing of an image outside the list.
    unknownMarker: () =>
      invalidInput('The marker names no image of this list. Start at the first page.', 'marker'),
  })
}

/**
 * Returns a page of images for clients of OpenStack; administrators see the images of every project. `next` is the
 * marker of the next page, null on the last page.
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
    hidden: filter.hidden === 'own' ? undefined : filter.hidden,
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

/** The order always ends with the time of creation and the id, in the last direction that the caller asked for. */
function orderOf(asked: ImageFilter['orderBy']): Order {
  const dir = asked.at(-1)?.dir ?? 'desc'
  const order = asked.map((one) => ({ ...one, nullable: nullable.has(one.field) }))
  return asked.some(({ field }) => field === 'createdAt') ? order : [...order, { field: 'createdAt', dir }]
}
