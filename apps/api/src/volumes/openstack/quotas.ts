import { z } from 'zod'
import { seesAll } from '../../kernel/context.ts'
import type { QuotaName, QuotaResource, QuotaView } from '../../kernel/contract.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { inner, parse, queryBoolean, whole } from '../../openstack/schema.ts'
import type { QuotaPartView } from '../../quota/contract.ts'
import {
  clearQuota,
  getPartDefaults,
  getPartQuota,
  getQuota,
  getQuotaDefaults,
  setQuota,
  setQuotaDefaults,
} from '../../quota/limits/service.ts'

/** Cinder's words for the limits, in its order. */
const words: { name: string; resource: QuotaResource }[] = [
  { name: 'volumes', resource: 'volumes' },
  { name: 'per_volume_gigabytes', resource: 'volumeGibEach' },
  { name: 'snapshots', resource: 'volumeSnapshots' },
  { name: 'gigabytes', resource: 'volumeGib' },
  { name: 'backups', resource: 'volumeBackups' },
  { name: 'backup_gigabytes', resource: 'volumeBackupGib' },
  { name: 'groups', resource: 'volumeGroups' },
]

/** Cinder's words for what is counted for each type: "gigabytes_NAME". */
const partWords: Partial<Record<QuotaResource, string>> = {
  volumes: 'volumes',
  volumeSnapshots: 'snapshots',
  volumeGib: 'gigabytes',
}
const wordOf = ({ of, part }: QuotaPartView): string => `${partWords[of] ?? of}_${part.name}`

type Of = (resource: QuotaResource) => { limit: number; used: number }
export function lookup(views: readonly QuotaView[]): Of {
  const by = new Map(views.map((view) => [view.resource, view]))
  return (resource) => by.get(resource) ?? { limit: -1, used: 0 }
}

function limitsView(
  views: readonly QuotaView[],
  parts: readonly QuotaPartView[],
  withUse = false,
): Record<string, unknown> {
  const of = lookup(views)
  const shown = ({ limit, used }: { limit: number; used: number }) =>
    withUse ? { limit, in_use: used, reserved: 0 } : limit
  return Object.fromEntries([
    ...words.map(({ name, resource }) => [name, shown(of(resource))]),
    ...parts.map((part) => [wordOf(part), shown(part)]),
  ])
}

const target = (call: Call) => ({ projectId: call.params.tenant_id ?? '' })
/** Reads a switch of the query that is off unless it is given. */
function switchOf({ query }: Call, name: string, otherwise: boolean): boolean {
  if (queryText(query, name) === undefined) return otherwise
  const wish = queryBoolean(query, name)
  if (wish === undefined) throw new HttpError(400, `Invalid value for ${name}: it is true or false.`)
  return wish
}

async function show(call: Call): Promise<object> {
  const { projectId } = target(call)
  const withUse = switchOf(call, 'usage', false)
  const [views, parts] = [
    await getQuota(call.ctx, { projectId }),
    await getPartQuota(call.ctx, { projectId }),
  ]
  return { quota_set: { ...limitsView(views, parts, withUse), id: projectId } }
}

const change = z.looseObject({
  ...Object.fromEntries(words.map(({ name }) => [name, whole(-1).optional()])),
  tenant_id: z.string().max(64).optional(),
  id: z.string().max(64).optional(),
}) as unknown as z.ZodType<Record<string, number>>

/** Throws 400 for a word that Cinder does not know. */
async function limitsOf(call: Call, key: string): Promise<Partial<Record<QuotaName, number>>> {
  const wish = inner(call, key, change)
  const types = await partsNamed(call)
  const ofTypes: Partial<Record<QuotaName, number>> = {}
  for (const [name, value] of Object.entries(wish)) {
    const part = types.get(name)
    if (part !== undefined) ofTypes[part] = parse(whole(-1), value)
    else if (!['tenant_id', 'id'].includes(name) && !words.some((word) => word.name === name))
      throw new HttpError(400, `Bad key(s) in quota set: ${name.slice(0, 100)}`)
  }
  return {
    ...Object.fromEntries(
      words.flatMap(({ name, resource }) => (wish[name] === undefined ? [] : [[resource, wish[name]]])),
    ),
    ...ofTypes,
  }
}

/** The limits of types, by Cinder's words for them. */
const partsNamed = async ({ ctx }: Call): Promise<ReadonlyMap<string, QuotaName>> =>
  new Map((await getPartDefaults(ctx)).map((part) => [wordOf(part), part.name]))

async function update(call: Call): Promise<object> {
  const limits = await limitsOf(call, 'quota_set')
  // Cinder compares the limits with the use only when it is asked to.
  const force = switchOf(call, 'skip_validation', true)
  const views = await setQuota(call.ctx, { ...target(call), limits, force })
  return { quota_set: limitsView(views, await getPartQuota(call.ctx, target(call))) }
}

async function defaults(call: Call): Promise<Record<string, unknown>> {
  const views = await getQuotaDefaults(call.ctx)
  return limitsView(
    views.map(({ resource, limit }) => ({ resource, limit, used: 0 })),
    await getPartDefaults(call.ctx),
  )
}

async function updateClass(call: Call): Promise<object> {
  if (call.params.id !== 'default') throw new HttpError(404, 'There is one quota class: default.')
  await setQuotaDefaults(call.ctx, { limits: await limitsOf(call, 'quota_class_set') })
  return { quota_class_set: await defaults(call) }
}

/** A project is not found by callers who have no project of it. */
const elsewhere = { domainAdmin: 'not_found', unscoped: 'not_found' } as const
const item = { path: '/os-quota-sets/:tenant_id', names: ['tenant_id'], status: 200 }
const klass = { path: '/os-quota-class-sets/:id', names: ['id'], status: 200 }
const deviation =
  'volumes, snapshots and gigabytes (of both) are counted, also for each type; and backups, backup_gigabytes and groups.'
export const quotaOperations: ApiOperation[] = [
  {
    ...item,
    name: 'quotas.get',
    method: 'GET',
    summary: 'Show the quota of a project, with ?usage=True also its use',
    access: 'read',
    except: elsewhere,
    deviation,
    handle: show,
  },
  {
    ...item,
    name: 'quotas.defaults',
    path: '/os-quota-sets/:tenant_id/defaults',
    method: 'GET',
    summary: 'Show the default quota',
    access: 'anyone',
    handle: async (call) => ({
      quota_set: { ...(await defaults(call)), id: target(call).projectId },
    }),
  },
  {
    ...item,
    name: 'quotas.update',
    method: 'PUT',
    summary: 'Change the quota of a project',
    access: 'admin',
    deviation,
    handle: update,
  },
  {
    ...item,
    name: 'quotas.delete',
    method: 'DELETE',
    summary: 'Give a project the default quota again',
    access: 'admin',
    handle: async (call) => {
      const counted = words.map(({ resource }) => resource)
      await clearQuota(call.ctx, target(call), [...counted, ...(await partsNamed(call)).values()])
    },
  },
  {
    ...klass,
    name: 'quota_classes.get',
    method: 'GET',
    summary: 'Show the default quota as a class',
    access: 'adminRead',
    deviation: 'There is one class, the cloud’s defaults; every name shows it.',
    handle: async (call) => {
      if (!seesAll(call.ctx)) throw new HttpError(403, "Policy doesn't allow this to be shown.")
      return { quota_class_set: { ...(await defaults(call)), id: call.params.id } }
    },
  },
  {
    ...klass,
    name: 'quota_classes.update',
    method: 'PUT',
    summary: 'Change the default quota',
    access: 'admin',
    deviation: 'Only the class “default”.',
    handle: updateClass,
  },
]
