import { isAdmin } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, type Query, queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import type { VolumeTypeView } from '../contract.ts'
import { getVolumeType, listVolumeTypes } from '../service.ts'

const view = ({ ctx }: Call, type: VolumeTypeView) => ({
  id: type.id,
  name: type.name,
  is_public: type.public,
  description: type.description || null,
  extra_specs: {},
  ...(isAdmin(ctx) ? { qos_specs_id: null } : {}),
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

function offsetOf(query: Query): number {
  const text = queryText(query, 'offset') ?? '0'
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(400, 'offset must be a whole number that is not negative.')
  return Number(text)
}

/** Types are few, so that a page of them is cut here. */
async function list(call: Call): Promise<object> {
  const { query } = call
  const [isPublic, name] = [isPublicOf(call), queryText(query, 'name')]
  const all = (await listVolumeTypes(call.ctx)).filter(
    (type) =>
      (isPublic === undefined || type.public === isPublic) && (name === undefined || type.name === name),
  )
  const { limit, marker } = pageQuery(query)
  const before = marker === undefined ? -1 : all.findIndex((type) => type.id === marker)
  if (marker !== undefined && before < 0)
    throw new HttpError(404, `Volume type ${marker.slice(0, 100)} could not be found.`)
  const from = before + 1 + offsetOf(query)
  const shown = queryText(query, 'limit') === '0' ? [] : all.slice(from, from + limit)
  const last = shown.at(-1)
  if (!last || all.at(-1) === last) return { volume_types: shown.map((type) => view(call, type)) }
  const next = new URL(nextLink(call.deps.config.publicUrl, call.request.url, last.id))
  next.searchParams.delete('offset')
  return {
    volume_types: shown.map((type) => view(call, type)),
    volume_type_links: [{ rel: 'next', href: next.href }],
  }
}

async function showDefault(call: Call): Promise<object> {
  const found = (await listVolumeTypes(call.ctx)).find((type) => type.isDefault)
  if (!found) throw new HttpError(404, 'Default volume type can not be found.')
  return { volume_type: view(call, found) }
}

export const typeOperations: ApiOperation[] = [
  {
    name: 'types.list',
    method: 'GET',
    path: '/types',
    summary: 'List volume types',
    status: 200,
    access: 'anyone',
    filters: { name: 'nothing' },
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
    name: 'types.get',
    method: 'GET',
    path: '/types/:type_id',
    summary: 'Show a volume type',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      volume_type: view(call, await getVolumeType(call.ctx, { id: call.params.type_id ?? '' })),
    }),
  },
]
