import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import {
  flavorAccess,
  getFlavor,
  grantFlavor,
  removeExtraSpec,
  revokeFlavor,
  setExtraSpecs,
} from '../flavors/service.ts'

const specs = z
  .record(
    z.string().regex(/^[A-Za-z0-9_.:\- ]{1,255}$/, 'may have letters, digits, spaces and . : - _'),
    z.union([z.string().max(255), z.number(), z.boolean()]).transform(String),
  )
  .refine((given) => Object.keys(given).length > 0, 'must name at least one')
const id = (call: Call) => call.params.flavor_id ?? ''
const key = (call: Call) => call.params.key ?? ''
const all = { path: '/flavors/:flavor_id/os-extra_specs', names: ['flavor_id'] }
const one = { path: '/flavors/:flavor_id/os-extra_specs/:key', names: ['flavor_id', 'key'] }
const why =
  'Only what the scheduler or the launch knows is taken: hw:disk (overlay, copy), and names of an own namespace such as “a:b” are kept for your own use.'

const specOperations: ApiOperation[] = [
  {
    ...all,
    name: 'flavors.extra_specs.list',
    method: 'GET',
    summary: 'List the extra specs of a flavor',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({ extra_specs: (await getFlavor(call.ctx, { id: id(call) })).extraSpecs }),
  },
  {
    ...all,
    name: 'flavors.extra_specs.create',
    method: 'POST',
    summary: 'Add extra specs to a flavor',
    status: 200,
    access: 'admin',
    deviation: why,
    handle: async (call) => {
      const { extra_specs } = parse(z.strictObject({ extra_specs: specs }), call.body)
      await setExtraSpecs(call.ctx, { id: id(call), specs: extra_specs })
      return { extra_specs }
    },
  },
  {
    ...one,
    name: 'flavors.extra_specs.get',
    method: 'GET',
    summary: 'Show an extra spec of a flavor',
    status: 200,
    access: 'anyone',
    handle: async (call) => {
      const { extraSpecs } = await getFlavor(call.ctx, { id: id(call) })
      if (!Object.hasOwn(extraSpecs, key(call))) throw missing(call)
      return { [key(call)]: extraSpecs[key(call)] }
    },
  },
  {
    ...one,
    name: 'flavors.extra_specs.update',
    method: 'PUT',
    summary: 'Set an extra spec of a flavor',
    status: 200,
    access: 'admin',
    deviation: why,
    handle: async (call) => {
      const given = parse(specs, call.body)
      if (Object.keys(given).join() !== key(call))
        throw new HttpError(400, 'The body must name the key of the address and nothing else.')
      await setExtraSpecs(call.ctx, { id: id(call), specs: given })
      return given
    },
  },
  {
    ...one,
    name: 'flavors.extra_specs.delete',
    method: 'DELETE',
    summary: 'Remove an extra spec of a flavor',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      if (!(await removeExtraSpec(call.ctx, { id: id(call), key: key(call) }))) throw missing(call)
    },
  },
]
const missing = (call: Call) =>
  new HttpError(404, `Flavor ${id(call).slice(0, 100)} has no extra spec ${key(call).slice(0, 100)}.`)

const accessList = (id: string, projects: string[]) => ({
  flavor_access: projects.map((tenant_id) => ({ flavor_id: id, tenant_id })),
})
const tenant = z.strictObject({ tenant: z.string().regex(/^[\w-]{1,64}$/, 'is no id of a project') })
const changes = [
  ['addTenantAccess', 'Give a project access to a private flavor', grantFlavor],
  ['removeTenantAccess', 'Take a project its access to a private flavor', revokeFlavor],
] as const

const accessOperations: ApiOperation[] = [
  {
    name: 'flavors.access.list',
    method: 'GET',
    path: '/flavors/:flavor_id/os-flavor-access',
    names: ['flavor_id'],
    summary: 'List the projects that may use a private flavor',
    status: 200,
    access: 'adminRead',
    handle: async (call) => accessList(id(call), await flavorAccess(call.ctx, { id: id(call) })),
  },
  ...changes.map(
    ([action, summary, change]): ApiOperation => ({
      name: `flavors.${action}`,
      method: 'POST',
      path: '/flavors/:flavor_id/action',
      names: ['flavor_id'],
      action,
      summary,
      status: 200,
      access: 'admin',
      handle: async (call) => {
        const { tenant: projectId } = parse(tenant, call.body)
        return accessList(id(call), await change(call.ctx, { id: id(call), projectId }))
      },
    }),
  ),
]

export const flavorSpecOperations = [...specOperations, ...accessOperations]
