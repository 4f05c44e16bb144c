import { seesAll } from '../../kernel/context.ts'
import type { QuotaResource } from '../../kernel/contract.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { getQuota } from '../../quota/limits/service.ts'
import { maxMembers } from '../groups/service.ts'
import { at } from './fields.ts'

type Quota = (resource: QuotaResource) => { limit: number; used: number }
const limit = (name: string, resource: QuotaResource, until?: number): Field<Quota> => ({
  name,
  until,
  of: (quota) => quota(resource).limit,
})
const used = (name: string, resource: QuotaResource, until?: number): Field<Quota> => ({
  name,
  until,
  of: (quota) => quota(resource).used,
})
const fields: Field<Quota>[] = [
  limit('maxTotalInstances', 'instances'),
  limit('maxTotalCores', 'vcpus'),
  limit('maxTotalRAMSize', 'memoryMib'),
  { name: 'maxServerMeta', of: () => 128 },
  { name: 'maxImageMeta', until: 38, of: () => 128 },
  { name: 'maxPersonality', until: 56, of: () => 0 },
  { name: 'maxPersonalitySize', until: 56, of: () => 0 },
  limit('maxTotalKeypairs', 'keyPairs'),
  limit('maxServerGroups', 'serverGroups'),
  { name: 'maxServerGroupMembers', of: () => maxMembers },
  limit('maxTotalFloatingIps', 'floatingIps', 35),
  limit('maxSecurityGroups', 'securityGroups', 35),
  limit('maxSecurityGroupRules', 'securityGroupRules', 35),
  used('totalRAMUsed', 'memoryMib'),
  used('totalCoresUsed', 'vcpus'),
  used('totalInstancesUsed', 'instances'),
  used('totalFloatingIpsUsed', 'floatingIps', 35),
  used('totalSecurityGroupsUsed', 'securityGroups', 35),
  used('totalServerGroupsUsed', 'serverGroups'),
]

/** Returns the limits of the caller's project; administrators name another project with `tenant_id`. */
async function limits(call: Call): Promise<object> {
  const tenant = queryText(call.query, 'tenant_id')
  const own = call.ctx.scope.kind === 'project' ? call.ctx.scope.projectId : undefined
  if (tenant !== undefined && tenant !== own && !seesAll(call.ctx))
    throw new HttpError(403, "Policy doesn't allow os_compute_api:limits:other_project to be performed.")
  const projectId = tenant ?? own
  const views = await getQuota(call.ctx, projectId === undefined ? {} : { projectId })
  const by = new Map(views.map((view) => [view.resource, view]))
  const quota: Quota = (resource) => by.get(resource) ?? { limit: -1, used: 0 }
  return { limits: { rate: [], absolute: shape(fields, quota, at(call)) } }
}

export const limitOperations: ApiOperation[] = [
  {
    name: 'limits.get',
    method: 'GET',
    path: '/limits',
    summary: 'Show limits and use of a project',
    status: 200,
    access: 'list',
    except: { systemReader: 'forbidden' }, // a system reader has no project, but may use tenant_id
    handle: limits,
  },
]
