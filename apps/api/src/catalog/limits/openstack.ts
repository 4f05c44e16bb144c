import { z } from 'zod'
import { collection, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import {
  type LimitFilter,
  type LimitView,
  limitInput,
  limitUpdateInput,
  type RegisteredLimitView,
  registeredLimitInput,
} from './contract.ts'
import {
  createRegisteredLimits,
  deleteRegisteredLimit,
  getRegisteredLimit,
  listRegisteredLimits,
  updateRegisteredLimit,
} from './registered.ts'
import { createLimits, deleteLimit, getLimit, listLimits, updateLimit } from './service.ts'

/** Source: Keystone api-ref v3, "Unified limits". */

const shape = registeredLimitInput.shape
const registeredBody = z.strictObject({
  service_id: shape.serviceId,
  region_id: shape.regionId,
  resource_name: shape.resourceName,
  default_limit: shape.defaultLimit,
  description: shape.description,
})
type RegisteredBody = Partial<z.output<typeof registeredBody>>
const several = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(500)
const createRegisteredBody = z.strictObject({ registered_limits: several(registeredBody) })
const updateRegisteredBody = z.strictObject({ registered_limit: registeredBody.partial() })
const { projectId, domainId, resourceLimit, description } = limitInput.shape
const limitBody = registeredBody.omit({ default_limit: true }).extend({
  project_id: projectId,
  domain_id: domainId,
  resource_limit: resourceLimit,
})
const createBody = z.strictObject({ limits: several(limitBody) })
const updateBody = z.strictObject({
  limit: z.strictObject({ resource_limit: limitUpdateInput.shape.resourceLimit, description }),
})
const deviation =
  'Kept for the services that ask for it (oslo.limit). What this cloud itself holds projects to are the quotas of each of its services.'

const idOf = ({ params }: Call) => params.id ?? ''
const filterOf = (query: Query): LimitFilter => ({
  serviceId: queryText(query, 'service_id'),
  regionId: queryText(query, 'region_id'),
  resourceName: queryText(query, 'resource_name'),
  projectId: queryText(query, 'project_id'),
  domainId: queryText(query, 'domain_id'),
})
const ofResource = { service_id: 'nothing', region_id: 'nowhere', resource_name: 'nothing' }

const registeredOperations: ApiOperation[] = [
  {
    name: 'registered_limits.list',
    method: 'GET',
    path: '/registered_limits',
    summary: 'List registered limits: what holds where no other limit is set',
    status: 200,
    access: 'anyone',
    filters: ofResource,
    deviation,
    handle: async (call) => {
      const items = await listRegisteredLimits(call.ctx, filterOf(call.query))
      return collection(call, 'registered_limits', 'registered_limits', { items }, registeredView)
    },
  },
  {
    name: 'registered_limits.create',
    method: 'POST',
    path: '/registered_limits',
    summary: 'Register limits of a service',
    status: 201,
    access: 'admin',
    deviation,
    handle: async (call) => {
      const { registered_limits: wanted } = createRegisteredBody.parse(call.body)
      const inputs = wanted.map((one) => registeredLimitInput.parse(registeredOf(one)))
      const made = await createRegisteredLimits(call.ctx, inputs)
      return { registered_limits: made.map((row) => registeredView(keystoneBase(call), row)) }
    },
  },
  {
    name: 'registered_limits.get',
    method: 'GET',
    path: '/registered_limits/:id',
    summary: 'Show a registered limit',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      registered_limit: registeredView(keystoneBase(call), await getRegisteredLimit(call.ctx, idOf(call))),
    }),
  },
  {
    name: 'registered_limits.update',
    method: 'PATCH',
    path: '/registered_limits/:id',
    summary: 'Change a registered limit that nobody has a limit of',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const change = registeredOf(updateRegisteredBody.parse(call.body).registered_limit)
      const now = await updateRegisteredLimit(call.ctx, idOf(call), change)
      return { registered_limit: registeredView(keystoneBase(call), now) }
    },
  },
  {
    name: 'registered_limits.delete',
    method: 'DELETE',
    path: '/registered_limits/:id',
    summary: 'Delete a registered limit that nobody has a limit of',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await deleteRegisteredLimit(call.ctx, idOf(call))
    },
  },
]

export const limitOperations: ApiOperation[] = [
  ...registeredOperations,
  {
    name: 'limits.model',
    method: 'GET',
    path: '/limits/model',
    summary: 'How limits of projects and of those below them go together: not at all',
    status: 200,
    access: 'anyone',
    handle: () => ({
      model: {
        name: 'flat',
        description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
      },
    }),
  },
  {
    name: 'limits.list',
    method: 'GET',
    path: '/limits',
    summary: 'List limits: of one’s project or domain, or all for administrators and services',
    status: 200,
    access: 'anyone',
    filters: { ...ofResource, project_id: 'nobody', domain_id: 'nobody' },
    deviation,
    handle: async (call) => {
      const listed = await listLimits(call.ctx, filterOf(call.query))
      return collection(call, 'limits', 'limits', listed, limitView)
    },
  },
  {
    name: 'limits.create',
    method: 'POST',
    path: '/limits',
    summary: 'Set limits of projects or domains',
    status: 201,
    access: 'admin',
    deviation,
    handle: async (call) => {
      const { limits } = createBody.parse(call.body)
      const inputs = limits.map((one) => ({
        serviceId: one.service_id,
        regionId: one.region_id,
        resourceName: one.resource_name,
        projectId: one.project_id,
        domainId: one.domain_id,
        resourceLimit: one.resource_limit,
        description: one.description,
      }))
      const made = await createLimits(call.ctx, inputs)
      return { limits: made.map((row) => limitView(keystoneBase(call), row)) }
    },
  },
  {
    name: 'limits.get',
    method: 'GET',
    path: '/limits/:id',
    summary: 'Show a limit',
    status: 200,
    access: 'ofProject',
    handle: async (call) => ({
      limit: limitView(keystoneBase(call), await getLimit(call.ctx, idOf(call))),
    }),
  },
  {
    name: 'limits.update',
    method: 'PATCH',
    path: '/limits/:id',
    summary: 'Change a limit',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const { limit } = updateBody.parse(call.body)
      const change = { resourceLimit: limit.resource_limit, description: limit.description }
      return { limit: limitView(keystoneBase(call), await updateLimit(call.ctx, idOf(call), change)) }
    },
  },
  {
    name: 'limits.delete',
    method: 'DELETE',
    path: '/limits/:id',
    summary: 'Delete a limit: what is registered holds again',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await deleteLimit(call.ctx, idOf(call))
    },
  },
]

const registeredOf = (body: RegisteredBody) => ({
  serviceId: body.service_id,
  regionId: body.region_id,
  resourceName: body.resource_name,
  defaultLimit: body.default_limit,
  description: body.description,
})

const registeredView = (base: string, row: RegisteredLimitView) => ({
  id: row.id,
  service_id: row.serviceId,
  region_id: row.regionId,
  resource_name: row.resourceName,
  default_limit: row.defaultLimit,
  description: row.description,
  links: { self: `${base}/registered_limits/${row.id}` },
})
const limitView = (base: string, row: LimitView) => ({
  id: row.id,
  service_id: row.serviceId,
  region_id: row.regionId,
  resource_name: row.resourceName,
  project_id: row.projectId,
  domain_id: row.domainId,
  resource_limit: row.resourceLimit,
  description: row.description,
  links: { self: `${base}/limits/${row.id}` },
})
