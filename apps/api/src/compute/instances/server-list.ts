import { type Ctx, seesAll } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { Order } from '../../kernel/page.ts'
import { instanceStatus } from '../states.ts'
import { loadInstance } from './instance-row.ts'
import { isPast, pastRows } from './past.ts'
import { type InstanceWhere, queryInstances } from './queries.ts'
import { type ServerRow, type ShownServer, showServers } from './shown-server.ts'

/** The keys by which a list may be sorted, as Nova names them; null where all instances of this cloud are equal. */
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

export type { Span } from './queries.ts'
export type InstanceQuery = InstanceWhere & {
  /** List deleted instances instead of live instances. */
  deleted?: boolean
  wished: readonly { key: InstanceSortKey; dir: 'asc' | 'desc' }[]
  limit: number
  marker?: string
}

/** Adds the projects that a list is about. Throws forbidden for callers who may not list all projects. */
function scoped(ctx: Ctx, query: InstanceQuery): InstanceQuery {
  if (query.allProjects && !seesAll(ctx))
    throw new CloudError('forbidden', 'Only an administrator may list the instances of all projects.')
  return { ...query, allProjects: seesAll(ctx) && (query.allProjects || ctx.scope.kind !== 'project') }
}

/**
 * Returns one page for OpenStack's clients with all that the views show: a constant number of queries, whatever the
 * size of the page; a regular expression adds one query that reads only names.
 */
export async function listServers(
  ctx: Ctx,
  query: InstanceQuery,
  withNeighbours: boolean = true,
): Promise<{ servers: ShownServer[]; more: boolean }> {
  const { rows, more } = await rowsOf(ctx, scoped(ctx, query))
  return {
    servers: withNeighbours ? await showServers(ctx, rows) : rows.map((row) => ({ row }) as ShownServer),
    more,
  }
}

type Found = { rows: ServerRow[]; more: boolean }

async function rowsOf(ctx: Ctx, query: InstanceQuery): Promise<Found> {
  if (query.deleted) return pastRows(ctx, query)
  // A caller who asks for changes since a time also wants to hear of deleted instances, but no deleted instance has an
  // address.
  if (!query.changesSince || (query.ip ?? query.ip6) !== undefined) return liveRows(ctx, query)
  const { marker, limit } = query
  // Deleted instances come first: when the instance of the marker was deleted since the last page, the next page
  // repeats instances, but never leaves any out.
  const inPast = marker === undefined || (await isPast(ctx, query, marker))
  const past = inPast ? await pastRows(ctx, query) : { rows: [], more: false }
  if (past.more) return past
  const room = limit - past.rows.length
  const live = await liveRows(ctx, { ...query, marker: inPast ? undefined : marker }, Math.max(room, 1))
  if (room === 0) return { rows: past.rows, more: limit > 0 && live.rows.length > 0 }
  return { rows: [...past.rows, ...live.rows], more: live.more }
}

async function liveRows(ctx: Ctx, query: InstanceQuery, limit = query.limit): Promise<Found> {
  const { rows, next } = await queryInstances(ctx, {
    where: query,
    sort: orderOf(query),
    page: { limit, marker: query.marker },
  })
  return { rows, more: limit > 0 && next !== null }
}

/** Returns one instance with all that its views show. Throws not_found. */
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

/** Columns that may be empty. */
const nullable = new Set<string>(['taskState', 'imageId', 'keyName', 'hostId', 'zone', 'launchedAt'])

function orderOf({ wished }: InstanceQuery): Order {
  if (wished.length === 0) return [{ field: 'createdAt', dir: 'desc' }]
  const columns = wished.flatMap(({ key, dir }) => {
    const field = instanceSortKeys[key]
    return field === null ? [] : [{ field, dir, nullable: nullable.has(field) }]
  })
  return columns.length > 0 ? columns : [{ field: 'id', dir: wished.at(-1)?.dir ?? 'desc' }]
}

export const statusOf = ({ vmState, taskState }: Pick<ServerRow, 'vmState' | 'taskState'>) =>
  instanceStatus(vmState, taskState)
