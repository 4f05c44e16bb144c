import { z } from 'zod'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import { collection, keystoneBase, unchangeable } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { serviceInput, serviceUpdateInput } from '../contract.ts'
import { ownCatalog } from '../service.ts'
import { createService, deleteService, getService, listServices, updateService } from '../services.ts'
import { text } from './shared.ts'
import { serviceView } from './views.ts'

const { type, name, enabled } = serviceInput.shape
const fields = { type, name: text(name), description: text(), enabled }
const created = z.object({ service: z.looseObject(fields) })
const { type: newType, name: newName, enabled: newEnabled } = serviceUpdateInput.shape
const updated = z.object({
  service: z.looseObject({
    type: newType,
    name: text(newName).optional(),
    description: text().optional(),
    enabled: newEnabled,
  }),
})
const extraIn = ({ body }: Call) => extraOf(body, 'service', Object.keys(fields), ['name', 'description'])
const ref = ({ params }: Call) => ({ id: params.id ?? '' })

/** The operations for the catalog of the caller's token and for services. */
export const serviceOperations: ApiOperation[] = [
  {
    name: 'auth.catalog',
    method: 'GET',
    path: '/auth/catalog',
    summary: 'The catalog of the token',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      catalog: await ownCatalog(call.ctx),
      links: { self: `${keystoneBase(call)}/auth/catalog` },
    }),
  },
  {
    name: 'services.list',
    method: 'GET',
    path: '/services',
    summary: 'List services',
    status: 200,
    access: 'adminRead',
    filters: { type: 'none-has-it', name: 'none-has-it' },
    handle: async (call) => {
      const filter = { type: queryText(call.query, 'type'), name: queryText(call.query, 'name') }
      const items = await listServices(call.ctx, filter)
      return collection(call, 'services', 'services', { items }, serviceView)
    },
  },
  {
    name: 'services.get',
    method: 'GET',
    path: '/services/:id',
    summary: 'Show a service',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({
      service: serviceView(keystoneBase(call), await getService(call.ctx, ref(call))),
    }),
  },
  {
    name: 'services.create',
    method: 'POST',
    path: '/services',
    summary: 'Add a service to the catalog',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const { type, name, description, enabled } = created.parse(call.body).service
      const own = changedExtra({}, extraIn(call))
      const made = await createService(call.ctx, { type, name, description, enabled, ...own })
      return { service: serviceView(keystoneBase(call), made) }
    },
  },
  {
    name: 'services.update',
    method: 'PATCH',
    path: '/services/:id',
    summary: 'Change an added service',
    status: 200,
    access: 'admin',
    deviation: 'The cloud’s own services follow from its configuration: 403.',
    handle: eachInTurn(
      (call) => getService(call.ctx, ref(call)),
      async (call, before) => {
        const { service } = updated.parse(call.body)
        unchangeable(service, { id: before.id })
        const { type, name, description, enabled } = service
        const change = { id: before.id, type, name, description, enabled }
        const own = changedExtra(before.extra, extraIn(call))
        const now = await updateService(call.ctx, { ...change, ...own })
        return { service: serviceView(keystoneBase(call), now) }
      },
    ),
  },
  {
    name: 'services.delete',
    method: 'DELETE',
    path: '/services/:id',
    summary: 'Delete an added service with its endpoints',
    status: 204,
    access: 'admin',
    deviation: 'The cloud’s own services follow from its configuration: 403.',
    handle: async (call) => {
      await deleteService(call.ctx, ref(call))
    },
  },
]
