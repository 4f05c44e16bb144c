import { seesAll } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { pageQuery, queryText } from '../../openstack/pages.ts'
import { queryBoolean, queryTexts } from '../../openstack/schema.ts'
import { isRootDevice, rootDeviceOf } from '../../volumes/contract.ts'
import { uuidPattern } from '../instances/instance-row.ts'
import {
  type InstanceQuery,
  type InstanceSortKey,
  instanceSortKeys,
  type Span,
} from '../instances/server-list.ts'
import type { InstanceStatus } from '../states.ts'
import { refuseUnknown } from './queries.ts'

/** Every status that Nova has for a server; a status that no server of this cloud can have finds nothing. */
const statuses = new Set([
  ...['ACTIVE', 'BUILD', 'DELETED', 'ERROR', 'HARD_REBOOT', 'MIGRATING', 'PASSWORD', 'PAUSED', 'REBOOT'],
  ...['REBUILD', 'RESCUE', 'RESIZE', 'REVERT_RESIZE', 'SHELVED', 'SHELVED_OFFLOADED', 'SHUTOFF'],
  ...['SOFT_DELETED', 'SUSPENDED', 'UNKNOWN', 'VERIFY_RESIZE'],
])
const ours = new Set([
  ...['BUILD', 'ACTIVE', 'SHUTOFF', 'PAUSED', 'REBOOT', 'HARD_REBOOT', 'ERROR', 'DELETED'],
])

const noId = '00000000-0000-0000-0000-000000000001'
const longAgo = '2001-01-01T00:00:00Z'
/** Filters of a list of servers, each with a value that no server has. */
export const serverFilters: Record<string, string> = {
  ...{ name: 'nobody', display_name: 'nobody', status: 'SHELVED', image: noId, image_ref: noId },
  ...{ flavor: 'nothing', ip: '^192\\.0\\.2\\.', ip6: '2001:db8:ffff', reservation_id: 'r-nothing' },
  ...{ availability_zone: 'mars', config_drive: 'perhaps', key_name: 'nobody', created_at: longAgo },
  ...{ launched_at: longAgo, terminated_at: longAgo, power_state: '7', task_state: 'nothing' },
  ...{ vm_state: 'nothing', progress: '55', user_id: 'nobody', project_id: 'nobody', tenant_id: 'nobody' },
  ...{ access_ip_v4: '192.0.2.1', access_ip_v6: '2001:db8::1', auto_disk_config: 'perhaps' },
  ...{ description: 'nothing', display_description: 'nothing', hostname: 'nobody', kernel_id: 'nothing' },
  ...{ ramdisk_id: 'nothing', root_device_name: '/dev/nothing', launch_index: '49', uuid: noId },
  ...{ locked_by: 'nobody', tags: 'nothing', 'tags-any': 'nothing', 'changes-since': '2999-01-01' },
}
/** Filters for administrators; other callers are not told whether these filters match. */
export const adminServerFilters: Record<string, string> = { host: 'nowhere', node: 'nowhere' }

/** The other parameters of a list that Nova knows. */
const others = [
  ...['limit', 'marker', 'sort_key', 'sort_dir', 'all_tenants', 'deleted', 'soft_deleted'],
  ...['changes-before', 'not-tags', 'not-tags-any', 'locked'],
]
/** Known names that must not be filters: they are tables of Nova, not columns of a server. */
const joined = new Set([
  ...['block_device_mapping', 'services', 'metadata', 'system_metadata', 'info_cache'],
  ...['security_groups', 'pci_devices'],
])
const known = new Set([
  ...Object.keys(serverFilters),
  ...Object.keys(adminServerFilters),
  ...others,
  ...joined,
])

/**
 * Returns the list that a query asks for; null when the query asks for a property that no server of this cloud can
 * have. Throws 400 where Nova does.
 */
export function listQuery(call: Call): InstanceQuery | null {
  const { ctx, query, minor } = call
  if (minor >= 75) refuseUnknown(call, known)
  for (const name of Object.keys(query))
    if (joined.has(name) || name.startsWith('_'))
      throw new HttpError(400, `Invalid filter field: ${name.slice(0, 50)}.`)
  const found = statusWords(call)
  if (found === null || isNone(call)) return null
  const { marker } = pageQuery(query)
  const text = (name: string) => queryText(query, name)
  const imageId = idOf(text('image') ?? text('image_ref'))
  return {
    limit: limitOf(call),
    ...(marker === undefined ? {} : { marker }),
    wished: sortOf(call),
    allProjects: wantsAll(call),
    projectId: text('project_id') ?? text('tenant_id'),
    userId: text('user_id'),
    name: text('name') || text('display_name') || undefined,
    ip: text('ip') || undefined,
    ip6: minor >= 5 || seesAll(ctx) ? text('ip6') || undefined : undefined,
    statuses: found,
    imageId,
    // A server whose root disk is a volume has no image, as far as clients are told.
    rootOnVolume: imageId === undefined ? undefined : false,
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
    diskBus: busOf(text('root_device_name')),
    diskConfig: diskConfigOf(call),
    accessIpv4: text('access_ip_v4'),
    accessIpv6: text('access_ip_v6'),
    createdAt: spanOf(text('created_at')),
    launchedAt: spanOf(text('launched_at')),
    terminatedAt: spanOf(text('terminated_at')),
    ...lockOf(call),
    ...changesOf(call),
    ...(minor >= 26 ? tagFilters(call) : {}),
    ...(seesAll(ctx) ? forAdmins(call) : {}),
  }
}

/** How the servers reach their disks that call their root disk so. */
const busOf = (device: string | undefined): string | undefined =>
  device === undefined ? undefined : device === rootDeviceOf('scsi') ? 'scsi' : 'virtio'

/** Properties that are equal for all servers of this cloud: no server has another value. */
const alike: Record<string, (text: string) => boolean> = {
  progress: (text) => /^0+$/.test(text),
  kernel_id: (text) => text === '',
  ramdisk_id: (text) => text === '',
  root_device_name: isRootDevice,
}
function isNone(call: Call): boolean {
  const { query } = call
  const unlike = Object.entries(alike).some(([name, is]) => {
    const text = queryText(query, name)
    return text !== undefined && !is(text)
  })
  const lockedBy = queryText(query, 'locked_by')
  const noLock =
    lockedBy !== undefined &&
    (!['owner', 'admin'].includes(lockedBy) || (call.minor >= 73 && lockedOf(call) === false))
  const noBoolean =
    queryText(query, 'config_drive') !== undefined && queryBoolean(query, 'config_drive') === undefined
  const noTime = ['created_at', 'launched_at', 'terminated_at'].some((name) => {
    const text = queryText(query, name)
    return text !== undefined && spanOf(text) === undefined
  })
  return unlike || noBoolean || noTime || noLock
}

function lockOf(call: Call): Pick<InstanceQuery, 'locked' | 'lockedByAdmin'> {
  const by = queryText(call.query, 'locked_by')
  if (by !== undefined) return { locked: true, lockedByAdmin: by === 'admin' }
  return { locked: call.minor >= 73 ? lockedOf(call) : undefined }
}

/** Reads auto_disk_config: a boolean, as in Nova's table, or a word, as in its answers. */
function diskConfigOf({ query }: Call): string | undefined {
  const text = queryText(query, 'auto_disk_config')
  const isAuto = queryBoolean(query, 'auto_disk_config')
  return isAuto === undefined ? text?.toUpperCase() : isAuto ? 'AUTO' : 'MANUAL'
}

function changesOf(call: Call): Pick<InstanceQuery, 'changesSince' | 'changesBefore'> {
  const changesSince = dateOf(call, 'changes-since')
  const changesBefore = call.minor >= 66 ? dateOf(call, 'changes-before') : undefined
  if (changesSince && changesBefore && changesBefore < changesSince)
    throw new HttpError(400, 'The value of changes-since must be less than or equal to changes-before.')
  return { changesSince, changesBefore }
}

function forAdmins({ query }: Call): Pick<InstanceQuery, 'hostName' | 'deleted'> {
  const [host, node] = [queryText(query, 'host'), queryText(query, 'node')]
  const both = host !== undefined && node !== undefined && host !== node
  return { hostName: both ? '' : (host ?? node), deleted: queryBoolean(query, 'deleted') === true }
}

/** limit=0 asks for an empty page, not for all servers. */
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

/** Returns the statuses; undefined means any status, null a status that no server can have here. */
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

function sortOf({ query }: Call): InstanceQuery['wished'] {
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
  const date = spanOf(text)?.gte
  if (!date)
    throw new HttpError(400, `Invalid input for query parameters ${name}. Value: ${text.slice(0, 50)}.`)
  return date
}

/**
 * Reads a time as the span from its beginning to its end, of a day, a second or a thousandth of a second:
 * "2026-11-21T03:24:05Z", "2026-11-21 03:24:05.123000", "2026-11-21". Without a zone the time is UTC. Returns undefined
 * for text that is no time.
 */
export function spanOf(text: string | undefined): Span | undefined {
  const [, day, time, fraction, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?$/i.exec(
      text?.trim() ?? '',
    ) ?? []
  if (day === undefined) return undefined
  const from = new Date(`${day}T${time ?? '00:00'}${fraction ?? ''}${zone?.toUpperCase() ?? 'Z'}`)
  if (Number.isNaN(from.getTime())) return undefined
  const length = time === undefined ? 86_400_000 : fraction === undefined ? 1000 : 1
  return { gte: from, lt: new Date(from.getTime() + length) }
}

function lockedOf({ query }: Call): boolean | undefined {
  const text = queryText(query, 'locked')
  const wish = queryBoolean(query, 'locked')
  if (text !== undefined && wish === undefined)
    throw new HttpError(400, `Invalid value '${text.slice(0, 50)}' for locked`)
  return wish
}

const maxTags = 50
function list(text: string | undefined): string[] | undefined {
  const tags = text?.split(',')
  if (tags && tags.length > maxTags)
    throw new HttpError(400, `At most ${maxTags} tags can be asked for at once.`)
  return tags
}
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
/** A filter may be a whole address, of which the last part counts. */
const lastSegment = (text: string | undefined) => text?.split('/').at(-1)
const nowhere = '00000000-0000-0000-0000-000000000000'
/** Text that is no id becomes an id that nothing has. */
function idOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const id = lastSegment(text) ?? ''
  return uuidPattern.test(id) ? id : nowhere
}
const numberOf = (text: string | undefined) =>
  text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : -1
