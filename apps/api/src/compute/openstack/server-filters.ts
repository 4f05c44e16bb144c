import { seesAll } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { pageQuery, queryText } from '../../openstack/pages.ts'
import { type InstanceQuery, type InstanceSortKey, instanceSortKeys } from '../instances/find.ts'
import type { InstanceStatus } from '../states.ts'
import { queryBoolean, queryTexts } from './body.ts'

/** Every word that Nova has for a server; those that none of ours can be in find nothing. */
const statuses = new Set([
  ...['ACTIVE', 'BUILD', 'DELETED', 'ERROR', 'HARD_REBOOT', 'MIGRATING', 'PASSWORD', 'PAUSED', 'REBOOT'],
  ...['REBUILD', 'RESCUE', 'RESIZE', 'REVERT_RESIZE', 'SHELVED', 'SHELVED_OFFLOADED', 'SHUTOFF'],
  ...['SOFT_DELETED', 'SUSPENDED', 'UNKNOWN', 'VERIFY_RESIZE'],
])
const ours = new Set([
  ...['BUILD', 'ACTIVE', 'SHUTOFF', 'PAUSED', 'REBOOT', 'HARD_REBOOT', 'ERROR', 'DELETED'],
])

/** Query parameters of a server list (2.75 and later refuse others); `admin`: ignored for others. */
const known = {
  anyone: [
    ...['limit', 'marker', 'sort_key', 'sort_dir', 'all_tenants', 'name', 'status', 'image', 'flavor'],
    ...['ip', 'ip6', 'reservation_id', 'changes-since', 'changes-before', 'tags', 'tags-any', 'not-tags'],
    ...['not-tags-any', 'locked', 'availability_zone', 'config_drive', 'key_name', 'created_at'],
    ...['launched_at', 'terminated_at', 'power_state', 'task_state', 'vm_state', 'progress', 'user_id'],
    ...['access_ip_v4', 'access_ip_v6', 'auto_disk_config', 'description', 'hostname', 'kernel_id'],
    ...['launch_index', 'image_ref', 'instance_type_id', 'ramdisk_id', 'root_device_name', 'uuid'],
    ...[
      'locked_by',
      'display_description',
      'block_device_mapping',
      'services',
      'metadata',
      'system_metadata',
    ],
    ...['info_cache', 'security_groups', 'project_id', 'tenant_id'],
  ],
  admin: ['host', 'node', 'deleted', 'soft_deleted', 'cell_name', 'hypervisor_hostname'],
}
const all = new Set([...known.anyone, ...known.admin])

/** The list that a query asks for; null when it names what none of ours can be. Throws 400 where Nova does. */
export function listQuery(call: Call): InstanceQuery | null {
  const { ctx, query, minor } = call
  if (minor >= 75)
    for (const name of Object.keys(query))
      if (!all.has(name))
        throw new HttpError(
          400,
          `Additional properties are not allowed ('${name.slice(0, 50)}' was unexpected)`,
        )
  const found = statusWords(call)
  if (found === null) return null
  const { marker } = pageQuery(query)
  const text = (name: string) => queryText(query, name)
  return {
    limit: limitOf(call),
    ...(marker === undefined ? {} : { marker }),
    sort: sortOf(call),
    allProjects: wantsAll(call),
    projectId: text('project_id') ?? text('tenant_id'),
    userId: text('user_id'),
    name: text('name') || undefined,
    ip: text('ip') || undefined,
    statuses: found,
    imageId: idOf(text('image') ?? text('image_ref')),
    flavorId: lastSegment(text('flavor')),
    keyName: text('key_name'),
    zone: text('availability_zone'),
    reservationId: text('reservation_id'),
    id: idOf(text('uuid')),
    description: text('description') ?? text('display_description'),
    hostname: text('hostname'),
    launchIndex: numberOf(text('launch_index')),
    powerState: numberOf(text('power_state')),
    vmStates: texts(call, 'vm_state'),
    taskStates: texts(call, 'task_state'),
    configDrive: queryBoolean(query, 'config_drive'),
    locked: minor >= 73 ? lockedOf(call) : undefined,
    changesSince: dateOf(call, 'changes-since'),
    changesBefore: minor >= 66 ? dateOf(call, 'changes-before') : undefined,
    ...(minor >= 26 ? tagFilters(call) : {}),
    ...(seesAll(ctx) ? forAdmins(call) : {}),
  }
}

const forAdmins = (call: Call) => ({
  hostName: queryText(call.query, 'host') ?? queryText(call.query, 'node'),
  deleted: queryBoolean(call.query, 'deleted') === true,
})

/** limit=0 is a page of nothing, and not “all”. */
function limitOf({ query }: Call): number {
  const { limit } = pageQuery(query)
  return queryText(query, 'limit') === '0' ? 0 : limit
}

function wantsAll({ query }: Call): boolean {
  const text = queryText(query, 'all_tenants')
  if (text === undefined) return false
  if (text === '') return true
  const wish = queryBoolean(query, 'all_tenants')
  if (wish === undefined) throw new HttpError(400, `Invalid value '${text.slice(0, 50)}' for all_tenants`)
  return wish
}

/** undefined: whatever status; null: a status that nothing can have here. */
function statusWords({ query, minor }: Call): InstanceStatus[] | undefined | null {
  const words = queryTexts(query, 'status').map((word) => word.toUpperCase())
  if (words.length === 0) return undefined
  if (words.some((word) => !statuses.has(word))) {
    if (minor >= 38) throw new HttpError(400, 'Invalid status value')
    return null
  }
  const possible = words.filter((word) => ours.has(word))
  return possible.length === 0 ? null : (possible as InstanceStatus[])
}

function sortOf({ query }: Call): InstanceQuery['sort'] {
  const keys = queryTexts(query, 'sort_key')
  const dirs = queryTexts(query, 'sort_dir')
  if (dirs.length > Math.max(keys.length, 1))
    throw new HttpError(400, 'Sort direction size exceeds sort key size')
  const wished = keys.length === 0 && dirs.length > 0 ? ['created_at'] : keys
  return wished.map((key, index) => {
    const dir = dirs[index] ?? dirs.at(-1) ?? 'desc'
    if (!Object.hasOwn(instanceSortKeys, key) || (dir !== 'asc' && dir !== 'desc'))
      throw new HttpError(400, `Invalid sort: ${key.slice(0, 50)} ${dir.slice(0, 10)}`)
    return { key: key as InstanceSortKey, dir }
  })
}

function dateOf({ query }: Call, name: string): Date | undefined {
  const text = queryText(query, name)
  if (text === undefined) return undefined
  // "2026-11-21T03:24:05Z", "2026-11-21T03:24:05.123", "2026-11-21": without a zone it is UTC.
  const zoned = /T.*(Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T') ? text : `${text}Z`
  const date = new Date(zoned)
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(date.getTime()))
    throw new HttpError(400, `Invalid input for query parameters ${name}. Value: ${text.slice(0, 50)}.`)
  return date
}

function lockedOf({ query }: Call): boolean | undefined {
  const text = queryText(query, 'locked')
  const wish = queryBoolean(query, 'locked')
  if (text !== undefined && wish === undefined)
    throw new HttpError(400, `Invalid value '${text.slice(0, 50)}' for locked`)
  return wish
}

const list = (text: string | undefined) => (text === undefined ? undefined : text.split(',').slice(0, 50))
const tagFilters = ({ query }: Call) => ({
  tags: list(queryText(query, 'tags')),
  tagsAny: list(queryText(query, 'tags-any')),
  notTags: list(queryText(query, 'not-tags')),
  notTagsAny: list(queryText(query, 'not-tags-any')),
})

const texts = ({ query }: Call, name: string) => {
  const found = queryTexts(query, name)
  return found.length === 0 ? undefined : found
}
/** Filters may be whole addresses: their last part counts. */
const lastSegment = (text: string | undefined) => text?.split('/').at(-1)
const nowhere = '00000000-0000-0000-0000-000000000000'
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** What is no id names nothing. */
function idOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const id = lastSegment(text) ?? ''
  return uuid.test(id) ? id : nowhere
}
const numberOf = (text: string | undefined) =>
  text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : -1
