import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, queryText } from '../../openstack/pages.ts'
import { boolean, inner, objectAt, parse, whole } from '../../openstack/schema.ts'
import { type FlavorView, flavorCreateInput } from '../contract.ts'
import {
  createFlavor,
  deleteFlavor,
  describeFlavor,
  findFlavors,
  flavorSortKeys,
  getFlavor,
} from '../flavors/service.ts'
import { description, name } from './body.ts'
import { at } from './fields.ts'
import { flavorBrief, flavorView } from './flavor-views.ts'

/** Reads a number of the query that must not be negative. */
function amount(call: Call, key: string): number | undefined {
  const text = queryText(call.query, key)
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(400, `Invalid ${key} filter [${text.slice(0, 50)}]`)
  return Number(text)
}

/**
 * Reads is_public. True: public flavors and those given to the caller's project; false: private flavors; null: all
 * flavors.
 */
function publicWish(call: Call): boolean | null {
  const text = queryText(call.query, 'is_public')
  if (text === undefined) return true
  if (text.toLowerCase() === 'none') return null
  const parsed = boolean.safeParse(text)
  if (!parsed.success) throw new HttpError(400, `Invalid is_public filter [${text.slice(0, 50)}]`)
  return parsed.data
}

async function list(call: Call, view: typeof flavorView): Promise<object> {
  const { limit, marker } = pageQuery(call.query)
  const sortKey = queryText(call.query, 'sort_key') ?? 'flavorid'
  const sortDir = queryText(call.query, 'sort_dir') ?? 'asc'
  if (!Object.hasOwn(flavorSortKeys, sortKey) || (sortDir !== 'asc' && sortDir !== 'desc'))
    throw new HttpError(400, 'Unable to sort by that: use a column of the flavor, and asc or desc.')
  const { flavors, more } = await findFlavors(call.ctx, {
    where: {
      public: publicWish(call) ?? undefined,
      minMemoryMib: amount(call, 'minRam'),
      minDiskGib: amount(call, 'minDisk'),
    },
    sort: [{ field: flavorSortKeys[sortKey as keyof typeof flavorSortKeys], dir: sortDir }],
    page: { limit, marker },
  })
  const last = flavors.at(-1)
  return {
    flavors: flavors.map((flavor) => view(flavor, at(call))),
    ...(more && last
      ? {
          flavors_links: [
            { rel: 'next', href: nextLink(call.deps.config.publicUrl, call.request.url, last.id) },
          ],
        }
      : {}),
  }
}

const creation = (minor: number) =>
  objectAt(minor, {
    name,
    id: z
      .union([z.string().regex(/^[\w .-]{1,255}$/, 'may have letters, digits, spaces and . - _'), whole(0)])
      .nullish(),
    ram: whole(1),
    vcpus: whole(1),
    disk: whole(0),
    swap: whole(0).optional(),
    'OS-FLV-EXT-DATA:ephemeral': whole(0).optional(),
    rxtx_factor: z.coerce.number().positive().max(1e6).optional(),
    'os-flavor-access:is_public': boolean.optional(),
    description: { schema: description.optional(), since: 55 },
  }) as z.ZodType<{
    name: string
    id?: string | number | null
    ram: number
    vcpus: number
    disk: number
    swap?: number
    'OS-FLV-EXT-DATA:ephemeral'?: number
    rxtx_factor?: number
    'os-flavor-access:is_public'?: boolean
    description?: string | null
  }>

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'flavor', creation(call.minor))
  const input = parse(
    flavorCreateInput,
    {
      id: wish.id === null || wish.id === undefined ? undefined : String(wish.id),
      name: wish.name,
      description: wish.description ?? '',
      vcpus: wish.vcpus,
      memoryMib: wish.ram,
      diskGib: wish.disk,
      ephemeralGib: wish['OS-FLV-EXT-DATA:ephemeral'] ?? 0,
      swapMib: wish.swap ?? 0,
      public: wish['os-flavor-access:is_public'] ?? true,
      rxtxFactor: wish.rxtx_factor ?? 1,
    },
    {
      ...{ memoryMib: 'ram', diskGib: 'disk', rxtxFactor: 'rxtx_factor' },
      ...{ ephemeralGib: 'OS-FLV-EXT-DATA:ephemeral', swapMib: 'swap' },
    },
  )
  return { flavor: flavorView(await createFlavor(call.ctx, input), at(call)) }
}

const one = (call: Call, flavor: FlavorView) => ({ flavor: flavorView(flavor, at(call)) })
const id = (call: Call) => ({ id: call.params.flavor_id ?? '' })
const item = { path: '/flavors/:flavor_id', names: ['flavor_id'] }

const filters = { minRam: '999999999', minDisk: '999999999' }
export const flavorOperations: ApiOperation[] = [
  {
    name: 'flavors.list',
    method: 'GET',
    path: '/flavors',
    summary: 'List flavors',
    status: 200,
    access: 'anyone',
    filters,
    handle: (call) => list(call, flavorBrief),
  },
  {
    name: 'flavors.detail',
    method: 'GET',
    path: '/flavors/detail',
    summary: 'List flavors with details',
    status: 200,
    access: 'anyone',
    filters,
    handle: (call) => list(call, flavorView),
  },
  {
    name: 'flavors.create',
    method: 'POST',
    path: '/flavors',
    summary: 'Create a flavor',
    status: 200,
    access: 'admin',
    deviation:
      'disk must be at least 1: every root disk has a size that counts. rxtx_factor is kept and has no effect.',
    handle: create,
  },
  {
    ...item,
    name: 'flavors.get',
    method: 'GET',
    summary: 'Show a flavor',
    status: 200,
    access: 'anyone',
    handle: async (call) => one(call, await getFlavor(call.ctx, id(call))),
  },
  {
    ...item,
    name: 'flavors.update',
    method: 'PUT',
    summary: 'Change the description of a flavor',
    status: 200,
    access: 'admin',
    since: 55,
    handle: async (call) => {
      const wish = inner(call, 'flavor', z.strictObject({ description }))
      return one(call, await describeFlavor(call.ctx, { ...id(call), description: wish.description ?? '' }))
    },
  },
  {
    ...item,
    name: 'flavors.delete',
    method: 'DELETE',
    summary: 'Delete a flavor',
    status: 202,
    access: 'admin',
    handle: async (call) => void (await deleteFlavor(call.ctx, id(call))),
  },
]
