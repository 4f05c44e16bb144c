import { z } from 'zod'
import { keystoneId } from '../../directory/contract.ts'
import { seesAll } from '../../kernel/context.ts'
import type { QuotaResource, QuotaView } from '../../kernel/contract.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { boolean, inner, objectAt, whole } from '../../openstack/schema.ts'
import {
  clearQuota,
  getQuota,
  getQuotaDefaults,
  setQuota,
  setQuotaDefaults,
} from '../../quota/limits/service.ts'
import { maxMembers } from '../groups/service.ts'
import { clearUserQuota, getUserQuota, setUserQuota } from '../user-quotas/service.ts'
import { at } from './fields.ts'

/**
 * Nova's words for the counted resources; since 2.36 Neutron counts those of the network, since 2.57 no files are
 * injected.
 */
const counted: { name: string; resource: QuotaResource; until?: number }[] = [
  { name: 'cores', resource: 'vcpus' },
  { name: 'floating_ips', resource: 'floatingIps', until: 35 },
  { name: 'instances', resource: 'instances' },
  { name: 'key_pairs', resource: 'keyPairs' },
  { name: 'ram', resource: 'memoryMib' },
  { name: 'security_group_rules', resource: 'securityGroupRules', until: 35 },
  { name: 'security_groups', resource: 'securityGroups', until: 35 },
  { name: 'server_groups', resource: 'serverGroups' },
]
/** Limits that nobody can change here: the bounds of single requests, and resources that this cloud does not count. */
const fixed: { name: string; limit: number; until?: number }[] = [
  { name: 'fixed_ips', limit: -1, until: 35 },
  { name: 'injected_file_content_bytes', limit: 0, until: 56 },
  { name: 'injected_file_path_bytes', limit: 0, until: 56 },
  { name: 'injected_files', limit: 0, until: 56 },
  { name: 'metadata_items', limit: 128 },
  { name: 'server_group_members', limit: maxMembers },
]

type Quota = { id?: string; of: (resource: QuotaResource) => QuotaView; detail: boolean }
const value = (quota: Quota, limit: number, used: number) =>
  quota.detail ? { limit, in_use: used, reserved: 0 } : limit
const fieldsOf = (names: (name: string, at: number) => boolean): Field<Quota>[] => [
  { name: 'id', of: (quota) => quota.id },
  ...counted.map(
    ({ name, resource, until }): Field<Quota> => ({
      name,
      until,
      of: (quota, { minor }) => {
        const { limit, used } = quota.of(resource)
        return names(name, minor) ? value(quota, limit, used) : undefined
      },
    }),
  ),
  ...fixed.map(
    ({ name, limit, until }): Field<Quota> => ({
      name,
      until,
      of: (quota, { minor }) => (names(name, minor) ? value(quota, limit, 0) : undefined),
    }),
  ),
]
const fields = fieldsOf(() => true)
/** A quota class had no server groups before 2.50. */
const classFields = fieldsOf((name, minor) => minor >= 50 || !name.startsWith('server_group'))

const nothing: QuotaView = { resource: 'instances', limit: -1, used: 0 }
const lookup = (views: readonly QuotaView[]) => {
  const by = new Map(views.map((view) => [view.resource, view]))
  return (resource: QuotaResource) => by.get(resource) ?? nothing
}

const target = (call: Call) => ({ projectId: call.params.tenant_id ?? '' })
/** Returns the user whose quota the request is about; undefined when the request is about the project's quota. */
function userOf({ query }: Call): string | undefined {
  const userId = queryText(query, 'user_id')
  if (userId !== undefined && !keystoneId.safeParse(userId).success)
    throw new HttpError(400, 'Invalid input for query parameter user_id. Value is not the id of a user.')
  return userId
}

async function show(call: Call, detail: boolean): Promise<object> {
  const { projectId } = target(call)
  const userId = userOf(call)
  const views = await (userId === undefined
    ? getQuota(call.ctx, { projectId })
    : getUserQuota(call.ctx, { projectId, userId }))
  return { quota_set: shape(fields, { id: projectId, of: lookup(views), detail }, at(call)) }
}

const changeable = Object.fromEntries(
  [...counted, ...fixed].map(({ name, until }) => [name, { schema: whole(-1).optional(), until }]),
)
type Change = Record<string, number> & { force?: boolean; tenant_id?: string }
const change = (minor: number) =>
  objectAt(minor, {
    ...changeable,
    force: boolean.optional(),
    tenant_id: z.string().max(64).optional(),
    id: z.string().max(64).optional(),
  }) as z.ZodType<Change>

/**
 * Returns the limits under the cloud's names. Throws 400 for a limit that nobody can change, unless the value is the
 * present limit.
 */
function limitsOf(wish: Change): Partial<Record<QuotaResource, number>> {
  for (const { name, limit } of fixed)
    if (wish[name] !== undefined && wish[name] !== limit)
      throw new HttpError(400, `${name} is ${limit} in this cloud and cannot be changed.`)
  return Object.fromEntries(
    counted.flatMap(({ name, resource }) => (wish[name] === undefined ? [] : [[resource, wish[name]]])),
  )
}

async function update(call: Call): Promise<object> {
  const wish = inner(call, 'quota_set', change(call.minor))
  const userId = userOf(call)
  const wishes = { ...target(call), limits: limitsOf(wish), force: wish.force === true }
  const views = await (userId === undefined
    ? setQuota(call.ctx, wishes)
    : setUserQuota(call.ctx, { ...wishes, userId }))
  return { quota_set: shape(fields, { of: lookup(views), detail: false }, at(call)) }
}

async function defaults(call: Call): Promise<QuotaView[]> {
  return (await getQuotaDefaults(call.ctx)).map(({ resource, limit }) => ({ resource, limit, used: 0 }))
}
const classView = (call: Call, views: QuotaView[], id?: string) => ({
  quota_class_set: shape(
    classFields,
    { ...(id === undefined ? {} : { id }), of: lookup(views), detail: false },
    at(call),
  ),
})

/** A project is not found by callers who have no project of it. */
const elsewhere = { domainAdmin: 'not_found', unscoped: 'not_found' } as const
const item = { path: '/os-quota-sets/:tenant_id', names: ['tenant_id'] }
const klass = { path: '/os-quota-class-sets/:id', names: ['id'] }
const deviation =
  'injected_*, fixed_ips, metadata_items and server_group_members are fixed. With user_id: instances, cores, ram, server groups and key pairs; a user’s key pairs count in every project.'
export const quotaOperations: ApiOperation[] = [
  {
    ...item,
    name: 'quotas.get',
    method: 'GET',
    summary: 'Show the quota of a project',
    status: 200,
    access: 'read',
    except: elsewhere,
    deviation,
    handle: (call) => show(call, false),
  },
  {
    ...item,
    name: 'quotas.detail',
    path: '/os-quota-sets/:tenant_id/detail',
    method: 'GET',
    summary: 'Show quota and use of a project',
    status: 200,
    access: 'read',
    except: elsewhere,
    deviation,
    handle: (call) => show(call, true),
  },
  {
    ...item,
    name: 'quotas.defaults',
    path: '/os-quota-sets/:tenant_id/defaults',
    method: 'GET',
    summary: 'Show the default quota',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      quota_set: shape(
        fields,
        { id: target(call).projectId, of: lookup(await defaults(call)), detail: false },
        at(call),
      ),
    }),
  },
  {
    ...item,
    name: 'quotas.update',
    method: 'PUT',
    summary: 'Change the quota of a project',
    status: 200,
    access: 'admin',
    deviation,
    handle: update,
  },
  {
    ...item,
    name: 'quotas.delete',
    method: 'DELETE',
    summary: 'Give a project the default quota again',
    status: 202,
    access: 'admin',
    handle: async (call) => {
      const userId = userOf(call)
      if (userId !== undefined) return clearUserQuota(call.ctx, { ...target(call), userId })
      const resources = counted.map(({ resource }) => resource)
      await clearQuota(call.ctx, target(call), resources)
    },
  },
  {
    ...klass,
    name: 'quota_classes.get',
    method: 'GET',
    summary: 'Show the default quota as a class',
    status: 200,
    access: 'adminRead',
    deviation: 'There is one class, the cloud’s defaults; every name shows it.',
    handle: async (call) => {
      if (!seesAll(call.ctx)) throw forbidden()
      return classView(call, await defaults(call), call.params.id)
    },
  },
  {
    ...klass,
    name: 'quota_classes.update',
    method: 'PUT',
    summary: 'Change the default quota',
    status: 200,
    access: 'admin',
    deviation: 'Only the class “default”.',
    handle: async (call) => {
      if (call.params.id !== 'default') throw new HttpError(404, 'There is one quota class: default.')
      const wish = inner(call, 'quota_class_set', change(call.minor))
      await setQuotaDefaults(call.ctx, { limits: limitsOf(wish) })
      return classView(call, await defaults(call))
    },
  },
]
const forbidden = () => new HttpError(403, "Policy doesn't allow this to be shown.")
