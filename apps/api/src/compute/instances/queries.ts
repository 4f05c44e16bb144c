import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope, seesAll } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { type Ask, found, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { instancesAtAddress, instancesOnNetwork } from '../../networking/service.ts'
import { placeOfVolume } from '../../volumes/service.ts'
import type { InstanceStatus } from '../states.ts'
import { byExpressions, type Expressions } from './expressions.ts'
import { asInstanceRow, type InstanceRow } from './instance-row.ts'
import { onHostNamed } from './past.ts'

/** A span of time: from `gte` on, before `lt`. */
export type Span = { gte: Date; lt: Date }

/** Filters of a list of instances, for both doors. */
export type InstanceWhere = Expressions & {
  allProjects?: boolean
  /** Part of the name, the id or its beginning, an address or its beginning. */
  search?: string
  projectId?: string
  userId?: string
  statuses?: readonly InstanceStatus[]
  vmStates?: readonly string[]
  taskStates?: readonly string[]
  imageId?: string
  /** Whether the root disk is a volume. */
  rootOnVolume?: boolean
  flavorId?: string
  networkId?: string
  /** Only instances on machines that reach this volume, in the volume's project. */
  forVolume?: string
  keyName?: string
  hostId?: string
  hostName?: string
  zone?: string
  reservationId?: string
  id?: string
  locked?: boolean
  lockedByAdmin?: boolean
  configDrive?: boolean
  diskConfig?: string
  accessIpv4?: string
  accessIpv6?: string
  createdAt?: Span
  launchedAt?: Span
  terminatedAt?: Span
  description?: string
  hostname?: string
  diskBus?: string
  launchIndex?: number
  powerState?: number
  changesSince?: Date
  changesBefore?: Date
  tags?: readonly string[]
  tagsAny?: readonly string[]
  notTags?: readonly string[]
  notTagsAny?: readonly string[]
}

/** The columns by which the portal's lists of instances can be sorted. */
export const sortableInstances: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'vmState' }, { field: 'taskState', nullable: true }],
  flavor: [{ field: 'vcpus' }, { field: 'memoryMib' }],
  image: [{ field: 'imageName' }],
  created: [{ field: 'createdAt' }],
  host: [{ field: 'host.name', nullable: true }],
}

/**
 * Lists instances for the portal, OpenStack's clients, exports and other rooms: a constant number of queries, whatever
 * the size of the page.
 */
export async function queryInstances(
  ctx: Ctx,
  { where, sort, page }: Ask<InstanceWhere>,
): Promise<Slice<InstanceRow>> {
  const scope = listScope(ctx, where)
  authorize(ctx, 'compute:list_instances', scope)
  // Only an administrator may learn which instances share a host.
  if (sort.some(({ field }) => field === 'host.name')) demandAdmin(ctx, 'sort', 'sort by host')
  const slice = await readPage<Prisma.InstanceGetPayload<object>>(ctx.db.instance, {
    where: await byExpressions(ctx, where, { AND: [scope, ...(await filtersOf(ctx, where, scope))] }),
    sort,
    page,
    markerWithin: scope,
    unknownMarker: (marker) => invalidInput(`marker [${marker.slice(0, 100)}] not found`),
  })
  return { ...slice, rows: slice.rows.map(asInstanceRow) }
}

function demandAdmin(ctx: Ctx, field: string, what: string): void {
  if (!seesAll(ctx)) throw new CloudError('forbidden', `Only an administrator may ${what}.`, { field })
}

type Scope = { projectId?: string }

async function filtersOf(ctx: Ctx, where: InstanceWhere, scope: Scope): Promise<Prisma.InstanceWhereInput[]> {
  if (where.hostId !== undefined) demandAdmin(ctx, 'hostId', 'filter by host')
  return [
    { vmState: { not: 'deleted' } },
    equalities(where),
    await onHostNamed(ctx, where),
    where.statuses ? { OR: where.statuses.map(statusFilter) } : {},
    where.vmStates ? { vmState: { in: [...where.vmStates] } } : {},
    where.taskStates ? { taskState: { in: [...where.taskStates] } } : {},
    where.changesSince ? { updatedAt: { gte: where.changesSince } } : {},
    where.changesBefore ? { updatedAt: { lte: where.changesBefore } } : {},
    where.tags ? { tags: { hasEvery: [...where.tags] } } : {},
    where.tagsAny ? { tags: { hasSome: [...where.tagsAny] } } : {},
    where.notTags ? { NOT: { tags: { hasEvery: [...where.notTags] } } } : {},
    where.notTagsAny ? { NOT: { tags: { hasSome: [...where.notTagsAny] } } } : {},
    where.networkId ? { id: { in: await instancesOnNetwork(ctx, where.networkId, scope.projectId) } } : {},
    where.forVolume ? await takersOf(ctx, where.forVolume) : {},
    where.search ? await searched(ctx, where.search.trim(), scope) : {},
  ]
}

async function takersOf(ctx: Ctx, volumeId: string): Promise<Prisma.InstanceWhereInput> {
  const { projectId, hostId } = await placeOfVolume(ctx, volumeId)
  return { projectId, hostId: hostId ?? { not: null } }
}

/** Filters on columns that must equal a value; an absent value is undefined, which Prisma leaves out. */
function equalities(where: InstanceWhere): Prisma.InstanceWhereInput {
  const { projectId, userId, imageId, flavorId, keyName, hostId, zone, reservationId, id } = where
  const { locked, lockedByAdmin, configDrive, diskConfig, accessIpv4, accessIpv6, rootOnVolume } = where
  const { createdAt, launchedAt, terminatedAt, description, hostname, launchIndex, powerState, diskBus } =
    where
  return {
    ...{ projectId, userId, imageId, flavorId, keyName, hostId, zone, reservationId, id },
    ...{ locked, lockedByAdmin, configDrive, diskConfig, accessIpv4, accessIpv6, rootOnVolume },
    ...{ createdAt, launchedAt, terminatedAt, description, hostname, launchIndex, powerState, diskBus },
  }
}

/** The columns that each status word stands for (the reverse of instanceStatus). */
export const whereStatus: Record<InstanceStatus, Prisma.InstanceWhereInput> = {
  BUILD: { vmState: 'building' },
  ACTIVE: {
    vmState: 'active',
    OR: [{ taskState: null }, { taskState: { notIn: ['rebooting', 'rebooting_hard'] } }],
  },
  REBOOT: { vmState: 'active', taskState: 'rebooting' },
  HARD_REBOOT: { vmState: 'active', taskState: 'rebooting_hard' },
  SHUTOFF: { vmState: 'stopped' },
  PAUSED: { vmState: 'paused' },
  ERROR: { vmState: 'error' },
  DELETED: { vmState: 'deleted' },
}
const statusFilter = (word: InstanceStatus) => whereStatus[word]

async function searched(ctx: Ctx, text: string, scope: Scope): Promise<Prisma.InstanceWhereInput> {
  const any: object[] = found(text)
  if (/^[\da-f]{0,4}[.:][\da-f.:]*$|^\d{1,3}\.[\d.]*$/i.test(text))
    any.push({ id: { in: await instancesAtAddress(ctx, text.toLowerCase(), scope.projectId) } })
  return { OR: any }
}
