import { z } from 'zod'
import { isAdmin, seesAll } from '../../../kernel/context.ts'
import { HttpError } from '../../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { queryText } from '../../../openstack/pages.ts'
import { boolean, inner, parse, queryBoolean } from '../../../openstack/schema.ts'
import { cutPage } from '../../openstack/cut-page.ts'
import {
  groupSpecsInput,
  groupTypeCreateInput,
  groupTypeUpdateInput,
  type VolumeGroupTypeView,
} from '../contract.ts'
import {
  createGroupType,
  deleteGroupType,
  getDefaultGroupType,
  getGroupSpecs,
  getGroupType,
  listGroupTypes,
  removeGroupSpec,
  setGroupSpecs,
  updateGroupType,
} from '../types.ts'

const typeOf = ({ params }: Call) => ({ id: params.group_type_id ?? '' })

const view = ({ ctx }: Call, type: VolumeGroupTypeView) => ({
  ...{ id: type.id, name: type.name, description: type.description || null, is_public: type.public },
  ...(seesAll(ctx) ? { group_specs: type.specs } : {}),
})

/** Other callers than administrators see public types, whatever they ask for. `None` asks for both kinds. */
async function list(call: Call): Promise<object> {
  const text = queryText(call.query, 'is_public')
  const wish = text === undefined ? true : queryBoolean(call.query, 'is_public')
  const isBoth = !isAdmin(call.ctx) || text?.toLowerCase() === 'none'
  if (wish === undefined && !isBoth)
    throw new HttpError(400, 'Invalid value for is_public: it is true, false or None.')
  const all = (await listGroupTypes(call.ctx)).filter((type) => isBoth || type.public === wish)
  const { shown, next } = cutPage(call, all, 'Group type')
  return {
    group_types: shown.map((type) => view(call, type)),
    ...(next === null ? {} : { group_type_links: [{ rel: 'next', href: next }] }),
  }
}

const text = z.string().max(255, 'is too long')
const creation = z.strictObject({
  ...{ name: text, description: text.nullish(), is_public: boolean.nullish() },
  group_specs: groupSpecsInput.nullish(),
})

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'group_type', creation)
  const input = parse(groupTypeCreateInput, {
    ...{ name: wish.name, description: wish.description ?? '', public: wish.is_public ?? true },
    specs: wish.group_specs ?? {},
  })
  return { group_type: view(call, await createGroupType(call.ctx, input)) }
}

const change = z.strictObject({
  ...{ name: text.nullish(), description: text.nullish(), is_public: boolean.nullish() },
})

async function update(call: Call): Promise<object> {
  const { name, description, is_public } = inner(call, 'group_type', change)
  if (name == null && description == null && is_public == null)
    throw new HttpError(400, 'Specify group type name, description or a combination thereof.')
  const input = parse(groupTypeUpdateInput, {
    ...{ ...typeOf(call), name: name ?? undefined, description: description ?? undefined },
    public: is_public ?? undefined,
  })
  return { group_type: view(call, await updateGroupType(call.ctx, input)) }
}

const key = ({ params }: Call) => params.key ?? ''
const some = groupSpecsInput.refine((specs) => Object.keys(specs).length > 0, 'must name at least one')
const specsAt = (call: Call) => getGroupSpecs(call.ctx, typeOf(call))
const noSpec = (call: Call) =>
  new HttpError(404, `Group Type has no specs with key ${key(call).slice(0, 255)}.`)

const since = 11
const item = { path: '/group_types/:group_type_id', since }
const specs = { path: '/group_types/:group_type_id/group_specs', since }
const spec = { path: '/group_types/:group_type_id/group_specs/:key', names: ['key'], since }
export const groupTypeOperations: ApiOperation[] = [
  {
    name: 'group_types.list',
    method: 'GET',
    path: '/group_types',
    since,
    summary: 'List types of groups',
    status: 200,
    access: 'anyone',
    adminFilters: { is_public: 'false' },
    deviation: 'Always in the order of their names.',
    handle: list,
  },
  {
    name: 'group_types.default',
    method: 'GET',
    path: '/group_types/default',
    since,
    summary: 'Show the default type of groups',
    status: 200,
    access: 'anyone',
    handle: async (call) => {
      const found = await getDefaultGroupType(call.ctx)
      if (!found) throw new HttpError(404, 'Default group type can not be found.')
      return { group_type: view(call, found) }
    },
  },
  {
    name: 'group_types.create',
    method: 'POST',
    path: '/group_types',
    since,
    summary: 'Make a type of groups',
    status: 202,
    access: 'admin',
    deviation:
      'Specs are kept without an effect: group snapshots of all types are consistent as far as they can be.',
    handle: create,
  },
  {
    ...item,
    name: 'group_types.get',
    method: 'GET',
    summary: 'Show a type of groups',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({ group_type: view(call, await getGroupType(call.ctx, typeOf(call))) }),
  },
  {
    ...item,
    name: 'group_types.update',
    method: 'PUT',
    summary: 'Change name, description and visibility of a type of groups',
    status: 200,
    access: 'admin',
    deviation: 'The default type stays public (400).',
    handle: update,
  },
  {
    ...item,
    name: 'group_types.delete',
    method: 'DELETE',
    summary: 'Delete a type of groups that no group has',
    status: 202,
    access: 'admin',
    handle: (call) => deleteGroupType(call.ctx, typeOf(call)),
  },
  {
    ...specs,
    name: 'group_specs.list',
    method: 'GET',
    summary: 'List the specs of a type of groups',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({ group_specs: await specsAt(call) }),
  },
  {
    ...specs,
    name: 'group_specs.create',
    method: 'POST',
    summary: 'Add specs to a type of groups, or change them',
    status: 202,
    access: 'admin',
    handle: async (call) => {
      const { group_specs: wish } = parse(z.strictObject({ group_specs: some }), call.body)
      await setGroupSpecs(call.ctx, { ...typeOf(call), specs: wish })
      return { group_specs: wish }
    },
  },
  {
    ...spec,
    name: 'group_specs.get',
    method: 'GET',
    summary: 'Show a spec of a type of groups',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const all = await specsAt(call)
      if (!Object.hasOwn(all, key(call))) throw noSpec(call)
      return { [key(call)]: all[key(call)] }
    },
  },
  {
    ...spec,
    name: 'group_specs.update',
    method: 'PUT',
    summary: 'Set a spec of a type of groups',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const wish = parse(some, call.body)
      if (Object.keys(wish).join() !== key(call)) throw new HttpError(400, 'Request body and URI mismatch')
      await setGroupSpecs(call.ctx, { ...typeOf(call), specs: wish })
      return wish
    },
  },
  {
    ...spec,
    name: 'group_specs.delete',
    method: 'DELETE',
    summary: 'Remove a spec of a type of groups',
    status: 202,
    access: 'admin',
    handle: async (call) => {
      await removeGroupSpec(call.ctx, { ...typeOf(call), key: key(call) })
    },
  },
]
