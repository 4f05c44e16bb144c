import type { Prisma } from '@stratolith/db'
import { type Ctx, seesAll } from '../kernel/context.ts'
import { invalidInput } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { ImageState, ImageView, ImageVisibility, MemberStatus } from './contract.ts'
import { type ImageRow, listedImages, viewOf } from './load.ts'

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

/** What a list may be narrowed to. Lists of values mean any of them. */
export type ImageFilter = {
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
  /** Hidden ones alone, or (the default) the others alone. */
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
  orderBy: { field: ImageSortField; dir: 'asc' | 'desc' }[]
  limit: number
  /** Id of the last image of the page before. */
  marker?: string
}

/**
 * A page as OpenStack's clients list images: administrators see every project's, others their own,
 * public ones and what was shared with them; the community's only when asked for. `next` is the
 * marker of the next page, null on the last.
 */
export async function findImages(
  ctx: Ctx,
  filter: ImageFilter,
): Promise<{ images: ImageView[]; next: string | null }> {
  authorize(ctx, 'image:list')
  const where: Prisma.ImageWhereInput = {
    AND: [
      seesAll(ctx) ? {} : listedImages(ctx, filter.memberStatus),
      visibilityWhere(ctx, filter.visibility),
      { state: { not: 'deleted' } },
      attributesWhere(filter),
      ...Object.entries(filter.properties ?? {}).map(([key, equals]) => ({
        properties: { path: [key], equals },
      })),
    ],
  }
  if (filter.marker !== undefined) await knownMarker(ctx, where, filter.marker)
  const rows: ImageRow[] = await ctx.db.image.findMany({
    where,
    orderBy: orderOf(filter.orderBy),
    take: filter.limit + 1,
    ...(filter.marker === undefined ? {} : { cursor: { id: filter.marker }, skip: 1 }),
  })
  const page = rows.slice(0, filter.limit)
  return {
    images: page.map((row) => viewOf(ctx, row)),
    next: rows.length > page.length ? (page.at(-1)?.id ?? null) : null,
  }
}

/** Within the same filter (R1): a marker tells nothing of an image that the list does not show. */
async function knownMarker(ctx: Ctx, where: Prisma.ImageWhereInput, marker: string): Promise<void> {
  const known = await ctx.db.image.findFirst({
    where: { AND: [where, { id: marker }] },
    select: { id: true },
  })
  if (!known) throw invalidInput('The marker names no image of this list. Start at the first page.', 'marker')
}

function visibilityWhere(ctx: Ctx, asked: ImageFilter['visibility']): Prisma.ImageWhereInput {
  if (asked === 'all') return {}
  if (asked !== undefined) return { visibility: asked }
  const own = ctx.scope.kind === 'project' ? [{ projectId: ctx.scope.projectId }] : []
  return { OR: [{ visibility: { not: 'community' } }, ...own] }
}

function attributesWhere(filter: ImageFilter): Prisma.ImageWhereInput {
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
    hidden: filter.hidden ?? false,
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

/** Nulls last when descending, as the database of Glance has them; ends in what makes it unique. */
function orderOf(asked: ImageFilter['orderBy']): Prisma.ImageOrderByWithRelationInput[] {
  const dir = asked.at(-1)?.dir ?? 'desc'
  const fields = new Set(asked.map(({ field }) => field))
  return [
    ...asked.map((one) => ({ [one.field]: one.dir })),
    ...(fields.has('createdAt') ? [] : [{ createdAt: dir }]),
    ...(fields.has('id') ? [] : [{ id: dir }]),
  ]
}
