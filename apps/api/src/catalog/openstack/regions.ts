import { z } from 'zod'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import { collection, keystoneBase, unchangeable } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { regionInput } from '../contract.ts'
import { createRegion, deleteRegion, getRegion, listRegions, updateRegion } from '../regions.ts'
import { text } from './shared.ts'
import { regionView } from './views.ts'

const { id, parentRegionId } = regionInput.shape
const created = z.object({
  region: z.looseObject({ id: id.nullable(), description: text(), parent_region_id: parentRegionId }),
})
const updated = z.object({
  region: z.looseObject({ description: text().optional(), parent_region_id: parentRegionId }),
})
const known = ['description', 'parent_region_id']
const ref = ({ params }: Call) => ({ id: params.id ?? '' })

export const regionOperations: ApiOperation[] = [
  {
    name: 'regions.list',
    method: 'GET',
    path: '/regions',
    summary: 'List regions',
    status: 200,
    access: 'anyone',
    filters: { parent_region_id: 'none-has-it' },
    handle: async (call) => {
      const items = await listRegions(call.ctx, { parentRegionId: queryText(call.query, 'parent_region_id') })
      return collection(call, 'regions', 'regions', { items }, regionView)
    },
  },
  {
    name: 'regions.get',
    method: 'GET',
    path: '/regions/:id',
    names: ['id'],
    summary: 'Show a region',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      region: regionView(keystoneBase(call), await getRegion(call.ctx, ref(call))),
    }),
  },
  {
    name: 'regions.create',
    method: 'POST',
    path: '/regions',
    summary: 'Add a region to the catalog',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const { region } = created.parse(call.body)
      return make(call, region, region.id || undefined)
    },
  },
  {
    name: 'regions.put',
    method: 'PUT',
    path: '/regions/:id',
    names: ['id'],
    summary: 'Add a region with this id to the catalog',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const wanted = id.unwrap().parse(call.params.id)
      const { region } = created.parse(call.body)
      if (typeof region.id === 'string' && region.id !== wanted)
        throw new HttpError(400, `Conflicting region IDs specified: "${wanted}" != "${region.id}"`)
      return make(call, region, wanted)
    },
  },
  {
    name: 'regions.update',
    method: 'PATCH',
    path: '/regions/:id',
    names: ['id'],
    summary: 'Change an added region',
    status: 200,
    access: 'admin',
    deviation: 'The cloud’s own region follows from its configuration: 403.',
    handle: eachInTurn(
      (call) => getRegion(call.ctx, ref(call)),
      async (call, before) => {
        const { region } = updated.parse(call.body)
        unchangeable(region, { id: before.id })
        const change = { description: region.description, parentRegionId: region.parent_region_id }
        const own = changedExtra(before.extra, extraOf(call.body, 'region', known))
        const now = await updateRegion(call.ctx, { id: before.id, ...change, ...own })
        return { region: regionView(keystoneBase(call), now) }
      },
    ),
  },
  {
    name: 'regions.delete',
    method: 'DELETE',
    path: '/regions/:id',
    names: ['id'],
    summary: 'Delete an added region with those below it',
    status: 204,
    access: 'admin',
    deviation: 'The cloud’s own region follows from its configuration: 403.',
    handle: async (call) => {
      await deleteRegion(call.ctx, ref(call))
    },
  },
]

async function make(call: Call, region: z.output<typeof created>['region'], wanted?: string) {
  const input = {
    id: wanted,
    description: region.description,
    parentRegionId: region.parent_region_id,
    ...changedExtra({}, extraOf(call.body, 'region', known)),
  }
  const made = await createRegion(call.ctx, input).catch((error: unknown) => {
    throw error instanceof CloudError && error.code === 'already_exists' ? duplicate(wanted) : error
  })
  return { region: regionView(keystoneBase(call), made) }
}

const duplicate = (id: unknown) =>
  new HttpError(409, `Conflict occurred attempting to store region - Duplicate ID, ${String(id)}.`)
