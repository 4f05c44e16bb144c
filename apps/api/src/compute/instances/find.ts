import { type Ctx, seesAll } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { Order } from '../../kernel/page.ts'
import { instanceStatus } from '../states.ts'
import { type ServerFacts, type ServerRow, withFacts } from './facts.ts'
import { loadInstance } from './load.ts'
import { isPast, pastRows } from './past.ts'
import { type InstanceWhere, queryInstances } from './queries.ts'

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

export type { Span } from './queries.ts'
export type InstanceQuery = InstanceWhere & {
  /** Those that are gone instead of those that are there. */
  deleted?: boolean
  wished: readonly { key: InstanceSortKey; dir: 'asc' | 'desc' }[]
  limit: number
  marker?: string
}

/** With the projects that a list is about. Throws forbidden for those who may not ask for all. */
function scoped(ctx: Ctx, query: InstanceQuery): InstanceQuery {
  if (query.allProjects && !seesAll(ctx))
    throw new CloudError('forbidden', 'Only an administrator may list the instances of all projects.')
  return { ...query, allProjects: seesAll(ctx) && (query.allProjects || ctx.scope.kind !== 'project') }
}

/**
 * One page for OpenStack's clients with all that its views show: a constant number of queries,
 * whatever the page's size; a regular expression adds one that reads names alone.
 */
export async function findInstances(
  ctx: Ctx,
  query: InstanceQuery,
  facts: 'facts' | 'rows' = 'facts',
): Promise<{ servers: ServerFacts[]; more: boolean }> {
  const { rows, more } = await rowsOf(ctx, scoped(ctx, query))
  return {
    servers: facts === 'facts' ? await withFacts(ctx, rows) : rows.map((row) => ({ row }) as ServerFacts),
    more,
  }
}

type Found = { rows: ServerRow[]; more: boolean }

async function rowsOf(ctx: Ctx, query: InstanceQuery): Promise<Found> {
  if (query.deleted) return pastRows(ctx, query)
  // Whoever asks what has changed since wants to hear of what has gone, too; nothing that is gone has an address.
  if (!query.changesSince || (query.ip ?? query.ip6) !== undefined) return liveRows(ctx, query)
  const { marker, limit } = query
  // What is gone comes first: a marker that has gone since the last page leads to a page that repeats, never to a gap.
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

/** One instance with all that its views show. Throws not_found. */
export async function getServer(
  ctx: Ctx,
  input: { id: string },
  policy = 'compute:get_instance',
): Promise<ServerFacts> {
  const row = await loadInstance(ctx, policy, input.id)
  const [facts] = await withFacts(ctx, [row])
  if (!facts) throw new CloudError('internal', 'Something went wrong on our side.')
  return facts
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
