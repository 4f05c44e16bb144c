import type { Prisma } from '@stratolith/db'
import { RE2JS } from 're2js'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { likeLiteral, whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { instancesWithAddress } from '../../networking/service.ts'
import { type InstanceStatus, instanceStatus } from '../states.ts'
import { asInstanceRow, loadInstance, uuidPattern } from './instance-row.ts'
import { isPast, onHostNamed, pastRows } from './past.ts'
import { whereStatus } from './service.ts'
import { type ServerRow, type ShownServer, showServers } from './shown-server.ts'

/** What a list may be sorted by, in Nova's words; null where every instance of ours is alike. */
export const instanceSortKeys = {
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  launched_at: 'launchedAt',
  display_name: 'name',
  display_description: 'description',
  hostname: 'hostname',
  uuid: 'id',
  vm_state: 'vmState',
  task_state: 'taskState',
  power_state: 'powerState',
  image_ref: 'imageId',
  instance_type_id: 'flavorId',
  key_name: 'keyName',
  launch_index: 'launchIndex',
  project_id: 'projectId',
  user_id: 'userId',
  host: 'hostId',
  node: 'hostId',
  availability_zone: 'zone',
  locked: 'locked',
  locked_by: 'locked',
  config_drive: 'configDrive',
  access_ip_v4: 'accessIpv4',
  access_ip_v6: 'accessIpv6',
  auto_disk_config: 'diskConfig',
  kernel_id: null,
  ramdisk_id: null,
  progress: null,
  root_device_name: null,
  terminated_at: null,
} as const
export type InstanceSortKey = keyof typeof instanceSortKeys

/** From `gte` on, before `lt`. */
export type Span = { gte: Date; lt: Date }

export type InstanceQuery = {
  allProjects?: boolean
  projectId?: string
  userId?: string
  /** Regular expressions, linear in time. */
  name?: string
  ip?: string
  ip6?: string
  statuses?: readonly InstanceStatus[]
  vmStates?: readonly string[]
  taskStates?: readonly string[]
  imageId?: string
  flavorId?: string
  keyName?: string
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
  launchIndex?: number
  powerState?: number
  changesSince?: Date
  changesBefore?: Date
  tags?: readonly string[]
  tagsAny?: readonly string[]
  notTags?: readonly string[]
  notTagsAny?: readonly string[]
  /** Those that are gone instead of those that are there. */
  deleted?: boolean
  sort: readonly { key: InstanceSortKey; dir: 'asc' | 'desc' }[]
  limit: number
  marker?: string
}

/** Which projects a list is about. Throws forbidden for those who may not ask for all. */
function scopeOf(ctx: Ctx, query: InstanceQuery): { projectId?: string } {
  if (query.allProjects && !seesAll(ctx))
    throw new CloudError('forbidden', 'Only an administrator may list the instances of all projects.')
  if (seesAll(ctx) && (query.allProjects || ctx.scope.kind !== 'project')) return {}
  return { projectId: projectOf(ctx) }
}

/**
 * One page for OpenStack's clients with all that its views show: a constant number of queries,
 * whatever the page's size; a regular expression adds one that reads names alone.
 */
export async function listServers(
  ctx: Ctx,
  query: InstanceQuery,
  withNeighbours: boolean = true,
): Promise<{ servers: ShownServer[]; more: boolean }> {
  const scope = scopeOf(ctx, query)
  authorize(ctx, 'compute:list_instances', scope)
  const rows = await rowsOf(ctx, scope, query)
  const shown = rows.slice(0, query.limit)
  return {
    servers: withNeighbours ? await showServers(ctx, shown) : shown.map((row) => ({ row }) as ShownServer),
    more: rows.length > query.limit,
  }
}

/** One more than the page, so that the caller sees whether there is another. */
async function rowsOf(ctx: Ctx, scope: { projectId?: string }, query: InstanceQuery): Promise<ServerRow[]> {
  if (query.deleted) return pastRows(ctx, scope, query)
  // Whoever asks what has changed since wants to hear of what has gone, too; nothing that is gone has an address.
  if (!query.changesSince || (query.ip ?? query.ip6) !== undefined) return liveRows(ctx, scope, query)
  const { marker, limit } = query
  // What is gone comes first: a marker that has gone since the last page leads to a page that repeats, never to a gap.
  const inPast = marker === undefined || (await isPast(ctx, scope, marker))
  const past = inPast ? await pastRows(ctx, scope, query) : []
  if (past.length > limit) return past
  const live = { ...query, marker: inPast ? undefined : marker }
  return [...past, ...(await liveRows(ctx, scope, live, limit + 1 - past.length))]
}

async function liveRows(
  ctx: Ctx,
  scope: { projectId?: string },
  query: InstanceQuery,
  take = query.limit + 1,
): Promise<ServerRow[]> {
  const where: Prisma.InstanceWhereInput = {
    AND: [scope, { vmState: { not: 'deleted' } }, ...filters(query), await onHostNamed(ctx, query)],
  }
  const narrowed = await byExpressions(ctx, query, where)
  if (query.marker !== undefined) await requireMarker(ctx, scope, query.marker)
  if (query.limit === 0) return []
  const rows = await ctx.db.instance.findMany({
    where: narrowed,
    orderBy: orderOf(query),
    take,
    ...(query.marker === undefined ? {} : { cursor: { id: query.marker }, skip: 1 }),
  })
  return rows.map(asInstanceRow)
}

/** One instance with all that its views show. Throws not_found. */
export async function getServer(
  ctx: Ctx,
  input: { id: string },
  policy = 'compute:get_instance',
): Promise<ShownServer> {
  const row = await loadInstance(ctx, policy, input.id)
  const [server] = await showServers(ctx, [row])
  if (!server) throw new CloudError('internal', 'Something went wrong on our side.')
  return server
}

function filters(query: InstanceQuery): Prisma.InstanceWhereInput[] {
  const equal: Prisma.InstanceWhereInput = {
    ...given('projectId', query.projectId),
    ...given('userId', query.userId),
    ...given('imageId', query.imageId),
    ...given('flavorId', query.flavorId),
    ...given('keyName', query.keyName),
    ...given('zone', query.zone),
    ...given('reservationId', query.reservationId),
    ...given('id', query.id),
    ...given('locked', query.locked),
    ...given('lockedByAdmin', query.lockedByAdmin),
    ...given('configDrive', query.configDrive),
    ...given('diskConfig', query.diskConfig),
    ...given('description', query.description),
    ...given('hostname', query.hostname),
    ...given('launchIndex', query.launchIndex),
    ...given('powerState', query.powerState),
    ...given('accessIpv4', query.accessIpv4),
    ...given('accessIpv6', query.accessIpv6),
    createdAt: query.createdAt,
    launchedAt: query.launchedAt,
    terminatedAt: query.terminatedAt,
  }
  return [
    equal,
    query.statuses ? { OR: query.statuses.map((word) => statusFilter(word)) } : {},
    query.vmStates ? { vmState: { in: [...query.vmStates] } } : {},
    query.taskStates ? { taskState: { in: [...query.taskStates] } } : {},
    query.changesSince ? { updatedAt: { gte: query.changesSince } } : {},
    query.changesBefore ? { updatedAt: { lte: query.changesBefore } } : {},
    query.tags ? { tags: { hasEvery: [...query.tags] } } : {},
    query.tagsAny ? { tags: { hasSome: [...query.tagsAny] } } : {},
    query.notTags ? { NOT: { tags: { hasEvery: [...query.notTags] } } } : {},
    query.notTagsAny ? { NOT: { tags: { hasSome: [...query.notTagsAny] } } } : {},
  ]
}
const given = (column: keyof Prisma.InstanceWhereInput, value: string | number | boolean | undefined) =>
  value === undefined ? {} : { [column]: value }
const statusFilter = (word: InstanceStatus): Prisma.InstanceWhereInput =>
  word === 'DELETED' ? { vmState: 'deleted' } : whereStatus[word]

/** Most characters of an expression, and the most instances that it is held against. */
const maxPattern = 255
const maxCandidates = 20_000

/** `where`, and the names and addresses that the expressions match. */
async function byExpressions(
  ctx: Ctx,
  { name, ip, ip6 }: InstanceQuery,
  where: Prisma.InstanceWhereInput,
): Promise<Prisma.InstanceWhereInput> {
  const isName = name === undefined ? null : expression(name, 'name')
  const matches = addressMatcher(ip, ip6)
  if (!isName && !matches) return where
  // What is a plain word is PostgreSQL's to find; the rest are ours.
  if (isName && !matches && /^[\w -]+$/.test(name ?? ''))
    return { AND: [where, { name: { contains: likeLiteral(name ?? '') } }] }
  const rows = whole(
    await ctx.db.instance.findMany({ where, select: { id: true, name: true }, take: maxCandidates + 1 }),
    maxCandidates,
    'An expression is not held against so many instances: narrow the list by project, status, image, flavor or host.',
  )
  const named = isName ? rows.filter((row) => isName.test(row.name)) : rows
  const ids = named.map((row) => row.id)
  if (!matches) return { AND: [where, { id: { in: ids } }] }
  return { AND: [where, { id: { in: await instancesWithAddress(ctx, ids, matches) } }] }
}

/** Is it an address that is asked for? `ip` is about IPv4, `ip6` about IPv6; of both either will do, as in Nova. */
function addressMatcher(ip?: string, ip6?: string): ((address: string) => boolean) | null {
  if (ip === undefined && ip6 === undefined) return null
  const four = ip === undefined ? null : expression(ip, 'ip')
  const six = ip6 === undefined ? null : expression(ip6, 'ip6')
  return (address) => (address.includes(':') ? six : four)?.test(address) ?? false
}

function expression(text: string, field: string): { test(value: string): boolean } {
  if (text.length > maxPattern) throw invalidInput(`The expression for ${field} is too long.`, field)
  try {
    const compiled = RE2JS.compile(text)
    return { test: (value) => compiled.matcher(value).find() }
  } catch {
    throw invalidInput(`Invalid input for query parameters ${field}. Value: ${text}.`, field)
  }
}

async function requireMarker(ctx: Ctx, scope: { projectId?: string }, marker: string): Promise<void> {
  const known =
    uuidPattern.test(marker) &&
    (await ctx.db.instance.findFirst({ where: { ...scope, id: marker }, select: { id: true } }))
  if (!known) throw invalidInput(`marker [${marker.slice(0, 100)}] not found`)
}

function orderOf({ sort }: InstanceQuery): Prisma.InstanceOrderByWithRelationInput[] {
  const wished = sort.flatMap(({ key, dir }) => {
    const column = instanceSortKeys[key]
    return column === null ? [] : [{ [column]: dir }]
  })
  const last = sort.at(-1)?.dir ?? 'desc'
  return sort.length === 0 ? [{ createdAt: 'desc' }, { id: 'desc' }] : [...wished, { id: last }]
}

export const statusOf = ({ vmState, taskState }: Pick<ServerRow, 'vmState' | 'taskState'>) =>
  instanceStatus(vmState, taskState)
