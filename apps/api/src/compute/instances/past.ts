import type { Prisma } from '@stratolith/db'
import { hostIdNamed } from '../../hosts/service.ts'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { invalidInput } from '../../kernel/errors.ts'
import { likeLiteral, type Order, readPage } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { uuidPattern } from './instance-row.ts'
import type { InstanceQuery, InstanceSortKey } from './server-list.ts'
import type { ServerRow } from './shown-server.ts'

/** Lists of deleted instances by pages: the kept facts (PastInstance) in the shape of instance rows. */

/** The columns by which deleted instances may be sorted; by any other key all of them are equal. */
const columns: Partial<Record<InstanceSortKey, keyof Prisma.PastInstanceOrderByWithRelationInput>> = {
  created_at: 'createdAt',
  updated_at: 'terminatedAt',
  terminated_at: 'terminatedAt',
  launched_at: 'launchedAt',
  display_name: 'name',
  display_description: 'description',
  hostname: 'hostname',
  uuid: 'id',
  image_ref: 'imageId',
  instance_type_id: 'flavorId',
  key_name: 'keyName',
  launch_index: 'launchIndex',
  project_id: 'projectId',
  user_id: 'userId',
  host: 'hostId',
  node: 'hostId',
  availability_zone: 'zone',
}

/** Returns one page of deleted instances. Costs at most three queries. */
export async function pastRows(
  ctx: Ctx,
  query: InstanceQuery,
): Promise<{ rows: ServerRow[]; more: boolean }> {
  const scope = listScope(ctx, query)
  authorize(ctx, 'compute:list_instances', scope)
  const where = { AND: [scope, ...filters(query), await onHostNamed(ctx, query)] }
  const isNone = query.limit === 0 || neverDeleted(query)
  const { rows, next } = await readPage<Prisma.PastInstanceGetPayload<object>>(ctx.db.pastInstance, {
    where: isNone ? { id: { in: [] } } : where,
    sort: orderOf(query),
    page: { limit: query.limit, marker: query.marker },
    markerWithin: scope,
    unknownMarker: (marker) => invalidInput(`marker [${marker.slice(0, 100)}] not found`),
  })
  return { rows: rows.map(asRow), more: next !== null }
}

/** Whether `id` is the id of a deleted instance within the query's scope. */
export async function isPast(ctx: Ctx, query: InstanceQuery, id: string): Promise<boolean> {
  if (!uuidPattern.test(id)) return false
  const where = { ...listScope(ctx, query), id }
  return (await ctx.db.pastInstance.findFirst({ where, select: { id: true } })) !== null
}

/** Whether the query asks for a property that no deleted instance can have. */
const neverDeleted = (query: InstanceQuery): boolean =>
  query.statuses?.includes('DELETED') === false ||
  query.vmStates?.includes('deleted') === false ||
  query.taskStates !== undefined ||
  query.locked === true ||
  query.configDrive === true ||
  query.diskConfig === 'AUTO' ||
  (query.accessIpv4 ?? '') !== '' ||
  (query.accessIpv6 ?? '') !== '' ||
  (query.powerState ?? 0) !== 0

function filters(query: InstanceQuery): Prisma.PastInstanceWhereInput[] {
  if ((query.ip ?? query.ip6) !== undefined)
    throw invalidInput('Deleted instances have no addresses any more; look for another mark.', 'ip')
  if (query.name !== undefined && !/^[\w -]+$/.test(query.name))
    throw invalidInput('Deleted instances are found by words, not by regular expressions.', 'name')
  return [
    {
      projectId: query.projectId,
      userId: query.userId,
      imageId: query.imageId,
      flavorId: query.flavorId,
      keyName: query.keyName,
      zone: query.zone,
      reservationId: query.reservationId,
      id: query.id,
      description: query.description,
      hostname: query.hostname,
      launchIndex: query.launchIndex,
      createdAt: query.createdAt,
      launchedAt: query.launchedAt,
      terminatedAt: { gte: query.changesSince, lte: query.changesBefore },
    },
    { terminatedAt: query.terminatedAt },
    query.name === undefined ? {} : { name: { contains: likeLiteral(query.name) } },
    query.tags ? { tags: { hasEvery: [...query.tags] } } : {},
    query.tagsAny ? { tags: { hasSome: [...query.tagsAny] } } : {},
    query.notTags ? { NOT: { tags: { hasEvery: [...query.notTags] } } } : {},
    query.notTagsAny ? { NOT: { tags: { hasSome: [...query.notTagsAny] } } } : {},
  ]
}

/** The filter by host for live and deleted instances: the query names the host, while the rows hold its id. */
export async function onHostNamed(
  ctx: Ctx,
  { hostName }: Pick<InstanceQuery, 'hostName'>,
): Promise<{ hostId?: { in: string[] } }> {
  if (hostName === undefined) return {}
  const id = await hostIdNamed(ctx, hostName)
  return { hostId: { in: id === null ? [] : [id] } }
}

const nullable = new Set<string>(['hostId', 'zone', 'imageId', 'keyName', 'launchedAt'])

function orderOf({ wished }: InstanceQuery): Order {
  const sort = wished.flatMap(({ key, dir }) => {
    const field = columns[key]
    return field === undefined ? [] : [{ field, dir, nullable: nullable.has(field) }]
  })
  return sort.length === 0 ? [{ field: 'terminatedAt', dir: 'desc' }] : sort
}

const asRow = (row: Prisma.PastInstanceGetPayload<object>): ServerRow => ({
  ...row,
  vmState: 'deleted' as const,
  taskState: null,
  powerState: 0,
  publicKey: null,
  rootOnVolume: false,
  localDisks: [],
  diskBus: 'virtio',
  userData: null,
  locked: false,
  lockedReason: null,
  lockedByAdmin: false,
  accessIpv4: '',
  accessIpv6: '',
  configDrive: false,
  diskConfig: 'MANUAL',
  adminPass: null,
  serverGroupId: null,
  lentPortIds: [],
  base: {},
  clientToken: null,
  floatingIpId: null,
  faultCode: null,
  faultMessage: null,
  faultDetail: null,
  faultAt: null,
  generation: 0,
  updatedAt: row.terminatedAt,
})
