import { z } from 'zod'
import { isAdmin } from '../../../kernel/context.ts'
import { HttpError } from '../../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { queryText } from '../../../openstack/pages.ts'
import { boolean, inner, parse, queryBoolean } from '../../../openstack/schema.ts'
import { cutPage } from '../../openstack/cut-page.ts'
import { dictionaryOf } from '../../openstack/list-query.ts'
import { specsInput, type VolumeTypeView, volumeTypeCreateInput, volumeTypeUpdateInput } from '../contract.ts'
import {
  createVolumeType,
  deleteVolumeType,
  getDefaultType,
  getVolumeType,
  listVolumeTypes,
  updateVolumeType,
} from '../service.ts'

export const typeOf = ({ params }: Call) => ({ id: params.type_id ?? '' })

export const typeView = ({ ctx }: Call, type: VolumeTypeView) => ({
  id: type.id,
  name: type.name,
  is_public: type.public,
  description: type.description || null,
  extra_specs: type.extraSpecs,
  ...(isAdmin(ctx) ? { qos_specs_id: type.qos?.id ?? null } : {}),
  'os-volume-type-access:is_public': type.public,
})

/** Other callers than administrators see public types, whatever they ask for. `None` asks for both kinds. */
function isPublicOf({ ctx, query }: Call): boolean | undefined {
  const text = queryText(query, 'is_public')
  if (!isAdmin(ctx) || text?.toLowerCase() === 'none') return undefined
  const wish = text === undefined ? true : queryBoolean(query, 'is_public')
  if (wish === undefined) throw new HttpError(400, 'Invalid value for is_public: it is true, false or None.')
  return wish
}

/** Types are few, so that a page of them is cut here. The filter by the extra specs that the caller sees came with 3.52. */
async function list(call: Call): Promise<object> {
  const { query } = call
  const [isPublic, name] = [isPublicOf(call), queryText(query, 'name')]
  const specs = Object.entries((call.minor >= 52 && dictionaryOf(query, 'extra_specs')) || {})
  const all = (await listVolumeTypes(call.ctx)).filter(
    (type) =>
      (isPublic === undefined || type.public === isPublic) &&
      (name === undefined || type.name === name) &&
      specs.every(([key, value]) => type.extraSpecs[key] === value),
  )
  const { shown, next } = cutPage(call, all, 'Volume type')
  return {
    volume_types: shown.map((type) => typeView(call, type)),
    ...(next === null ? {} : { volume_type_links: [{ rel: 'next', href: next }] }),
  }
}

async function showDefault(call: Call): Promise<object> {
  const found = await getDefaultType(call.ctx)
  if (!found) throw new HttpError(404, 'Default volume type can not be found.')
  return { volume_type: typeView(call, found) }
}

/** What docs/openstack-compat.md says of extra specs. */
export const whichSpecs =
  'volume_backend_name, pool_name and RESKEY:availability_zones choose where new volumes lie; multiattach makes volumes that several servers of one host may have, and that begin empty; replication and thick provisioning are refused (400) until they are there; other keys are kept without an effect.'

const text = z.string().max(255, 'is too long')
const publicKey = 'os-volume-type-access:is_public'
const creation = z.strictObject({
  name: text,
  description: text.nullish(),
  extra_specs: specsInput.nullish(),
  [publicKey]: boolean.nullish(),
})

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'volume_type', creation)
  const input = parse(volumeTypeCreateInput, {
    name: wish.name,
    description: wish.description ?? '',
    public: wish[publicKey] ?? true,
    extraSpecs: wish.extra_specs ?? {},
  })
  return { volume_type: typeView(call, await createVolumeType(call.ctx, input)) }
}

const change = z.strictObject({
  name: text.nullish(),
  description: text.nullish(),
  is_public: boolean.nullish(),
})

async function update(call: Call): Promise<object> {
  const { name, description, is_public } = inner(call, 'volume_type', change)
  if (name == null && description == null && is_public == null)
    throw new HttpError(400, 'Specify volume type name, description, is_public or a combination thereof.')
  const input = parse(volumeTypeUpdateInput, {
    ...typeOf(call),
    name: name ?? undefined,
    description: description ?? undefined,
    public: is_public ?? undefined,
  })
  return { volume_type: typeView(call, await updateVolumeType(call.ctx, input)) }
}

const item = { path: '/types/:type_id' }
export const typeOperations: ApiOperation[] = [
  {
    name: 'types.list',
    method: 'GET',
    path: '/types',
    summary: 'List volume types',
    status: 200,
    access: 'anyone',
    filters: { name: 'nothing', extra_specs: "{'no': 'thing'}" },
    adminFilters: { is_public: 'false' },
    deviation: 'Always in the order of their names.',
    handle: list,
  },
  {
    name: 'types.default',
    method: 'GET',
    path: '/types/default',
    summary: 'Show the default volume type',
    status: 200,
    access: 'anyone',
    handle: showDefault,
  },
  {
    name: 'types.create',
    method: 'POST',
    path: '/types',
    summary: 'Make a volume type',
    status: 200,
    access: 'admin',
    deviation: whichSpecs,
    handle: create,
  },
  {
    ...item,
    name: 'types.get',
    method: 'GET',
    summary: 'Show a volume type',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      volume_type: typeView(call, await getVolumeType(call.ctx, typeOf(call))),
    }),
  },
  {
    ...item,
    name: 'types.update',
    method: 'PUT',
    summary: 'Change name, description and visibility of a volume type',
    status: 200,
    access: 'admin',
    deviation: 'The default type stays public (400).',
    handle: update,
  },
  {
    ...item,
    name: 'types.delete',
    method: 'DELETE',
    summary: 'Delete a volume type that no volume has',
    status: 202,
    access: 'admin',
    handle: (call) => deleteVolumeType(call.ctx, typeOf(call)),
  },
]
