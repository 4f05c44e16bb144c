import type { Prisma } from '@stratolith/db'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { invalidInput } from '../../kernel/errors.ts'
import { type Ask, containing, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'

/** A flavor as the scheduler, the launch and the views need it. */
export type Flavor = {
  id: string
  name: string
  description: string
  vcpus: number
  memoryMib: number
  diskGib: number
  ephemeralGib: number
  swapMib: number
  public: boolean
  extraSpecs: unknown
  rxtxFactor: number
  createdAt: Date
}

/**
 * Filter for the flavors that the caller may use. A private flavor is found only by administrators and by projects that
 * were given the flavor (R2).
 */
export const usable = (ctx: Ctx): Prisma.FlavorWhereInput => (seesAll(ctx) ? {} : ownOrPublic(ctx))
const ownOrPublic = ({ scope }: Ctx): Prisma.FlavorWhereInput =>
  scope.kind === 'project'
    ? { OR: [{ public: true }, { access: { some: { projectId: scope.projectId } } }] }
    : { public: true }

/** Filters of a list of flavors, for both doors. */
export type FlavorWhere = {
  /**
   * True: public flavors and those given to the caller's project; false: private flavors; absent: all flavors that the
   * caller sees.
   */
  public?: boolean
  minMemoryMib?: number
  minDiskGib?: number
  /** Part of the name. */
  search?: string
}

/** Flavors as the portal, OpenStack's clients and exports list them. */
export async function queryFlavors(
  ctx: Ctx,
  { where, sort, page }: Ask<FlavorWhere>,
): Promise<Slice<Flavor>> {
  authorize(ctx, 'compute:list_flavors')
  const { minMemoryMib, minDiskGib, search } = where
  return readPage<Flavor>(ctx.db.flavor, {
    where: {
      AND: [
        usable(ctx),
        where.public === undefined ? {} : where.public ? ownOrPublic(ctx) : { public: false },
        { memoryMib: { gte: minMemoryMib }, diskGib: { gte: minDiskGib } },
        search ? { name: containing(search) } : {},
      ],
    },
    sort,
    page,
    markerWithin: usable(ctx),
    unknownMarker: (marker) => invalidInput(`marker [${marker.slice(0, 100)}] not found`),
  })
}

export const bySize = [{ field: 'vcpus' }, { field: 'memoryMib' }, { field: 'diskGib' }]
/** The columns by which the portal sorts flavors. */
export const sortableFlavors: Sortable = {
  name: [{ field: 'name' }],
  vcpus: bySize,
  memory: [{ field: 'memoryMib' }],
  disk: [{ field: 'diskGib' }],
  public: [{ field: 'public' }, { field: 'name' }],
}
