import { z } from 'zod'
import type { ImageState, ImageView } from '../../images/contract.ts'
import { changeImage, deleteImage, findImages, getImage, type ImageFilter } from '../../images/service.ts'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type At, type Field, links, seconds, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, queryText } from '../../openstack/pages.ts'
import { parse } from '../../openstack/schema.ts'
import { boundMetadata, metadata } from './body.ts'
import { at } from './fields.ts'
import { spanOf } from './server-filters.ts'

/** Images as Nova showed them before 2.36 (their metadata before 2.39), when clients asked only Nova. */

const novas: Record<ImageState, string> = {
  queued: 'SAVING',
  saving: 'SAVING',
  uploading: 'SAVING',
  importing: 'SAVING',
  active: 'ACTIVE',
  deactivated: 'UNKNOWN',
  killed: 'ERROR',
  deleted: 'DELETED',
}
const progressOf = (state: ImageState) => ({ SAVING: 25, ACTIVE: 100 })[novas[state]] ?? 0

type Shown = { image: ImageView; publicUrl: string }
const imageLinks = ({ image, publicUrl }: Shown, view: At) => [
  ...links(view, `images/${image.id}`),
  {
    rel: 'alternate',
    type: 'application/vnd.openstack.image',
    href: `${publicUrl}/image/images/${image.id}`,
  },
]
const brief: Field<Shown>[] = [
  { name: 'id', of: ({ image }) => image.id },
  { name: 'name', of: ({ image }) => image.name },
  { name: 'links', of: imageLinks },
]
const detailed: Field<Shown>[] = [
  ...brief,
  { name: 'minRam', of: ({ image }) => image.minRamMib },
  { name: 'minDisk', of: ({ image }) => image.minDiskGib },
  { name: 'metadata', of: ({ image }) => image.properties },
  { name: 'created', of: ({ image }) => seconds(image.createdAt) },
  { name: 'updated', of: ({ image }) => seconds(image.updatedAt) },
  { name: 'status', of: ({ image }) => novas[image.state] },
  { name: 'progress', of: ({ image }) => progressOf(image.state) },
  { name: 'OS-EXT-IMG-SIZE:size', of: ({ image }) => image.sizeBytes },
]
const view = (call: Call, fields: Field<Shown>[], image: ImageView) =>
  shape(fields, { image, publicUrl: call.deps.config.publicUrl }, at(call))

/** Filters of the list, each with a value that no image has; property-… filters by a custom property. */
const filters = {
  ...{ name: 'nothing', status: 'DELETED', minRam: '12345', minDisk: '12345', server: 'nothing' },
  ...{ type: 'nothing', 'property-nothing': 'nothing', 'changes-since': '2999-01-01T00:00:00Z' },
}

const maxProperties = 20

function filterOf({ query }: Call): ImageFilter {
  const text = (name: string) => queryText(query, name)
  const { limit, marker } = pageQuery(query)
  const status = text('status')?.toUpperCase()
  const since = text('changes-since')
  const span = spanOf(since)
  if (since !== undefined && !span) throw new HttpError(400, 'Invalid changes-since value.')
  const properties = Object.keys(query)
    .filter((name) => name.startsWith('property-'))
    .map((name) => [name.slice('property-'.length), text(name) ?? ''])
  if (properties.length > maxProperties)
    throw new HttpError(400, `At most ${maxProperties} properties can be asked for at once.`)
  const server = text('server')?.split('/').at(-1)
  const type = text('type')
  return {
    ...(text('name') === undefined ? {} : { names: [text('name') ?? ''] }),
    ...(status === undefined ? {} : { states: statesOf(status) }),
    ...amount('minRamMib', text('minRam')),
    ...amount('minDiskGib', text('minDisk')),
    ...(span ? { updatedAt: [{ gte: span.gte }] } : {}),
    properties: {
      ...Object.fromEntries(properties),
      ...(server === undefined ? {} : { instance_uuid: server }),
      ...(type === undefined ? {} : { image_type: type }),
    },
    orderBy: [{ field: 'createdAt', dir: 'desc' }],
    limit,
    ...(marker === undefined ? {} : { marker: z.uuid().catch('').parse(marker) }),
  }
}
const statesOf = (status: string) =>
  (Object.keys(novas) as ImageState[]).filter((state) => novas[state] === status && state !== 'deleted')
const amount = (name: 'minRamMib' | 'minDiskGib', text: string | undefined) =>
  text === undefined ? {} : { [name]: { equals: /^\d{1,8}$/.test(text) ? Number(text) : -1 } }

async function list(call: Call, fields: Field<Shown>[]): Promise<object> {
  const filter = filterOf(call)
  if (filter.marker === '') throw new HttpError(400, 'marker must be the id of an image.')
  const { images, next } = await findImages(call.ctx, filter)
  return {
    images: images.map((image) => view(call, fields, image)),
    ...(next === null
      ? {}
      : {
          images_links: [{ rel: 'next', href: nextLink(call.deps.config.publicUrl, call.request.url, next) }],
        }),
  }
}

const id = (call: Call) => call.params.image_id ?? ''
const key = (call: Call) => call.params.key ?? ''
const image = { path: '/images/:image_id', until: 35 }
const all = { path: '/images/:image_id/metadata', until: 38 }
const one = { path: '/images/:image_id/metadata/:key', names: ['key'], until: 38 }
const many = z.strictObject({ metadata })
const single = z.strictObject({
  meta: metadata.refine((m) => Object.keys(m).length === 1, 'must have one item'),
})
type Items = Record<string, string>
const change = async (call: Call, to: (before: Items) => Items): Promise<Items> =>
  (
    await changeImage(call.ctx, id(call), ({ properties }) => ({
      properties: boundMetadata(to(properties)),
    }))
  ).properties

const metadataOperations: ApiOperation[] = [
  {
    ...all,
    name: 'images.metadata.list',
    method: 'GET',
    summary: 'List the properties of an image',
    status: 200,
    access: 'read',
    handle: async (call) => ({ metadata: (await getImage(call.ctx, { id: id(call) })).properties }),
  },
  {
    ...all,
    name: 'images.metadata.create',
    method: 'POST',
    summary: 'Add or change properties of an image',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const wish = parse(many, call.body)
      return { metadata: await change(call, (before) => ({ ...before, ...wish.metadata })) }
    },
  },
  {
    ...all,
    name: 'images.metadata.replace',
    method: 'PUT',
    summary: 'Replace the properties of an image',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const wish = parse(many, call.body)
      return { metadata: await change(call, () => wish.metadata) }
    },
  },
  {
    ...one,
    name: 'images.metadata.get',
    method: 'GET',
    summary: 'Show a property of an image',
    status: 200,
    access: 'read',
    handle: async (call) => {
      const { properties } = await getImage(call.ctx, { id: id(call) })
      if (!Object.hasOwn(properties, key(call))) throw noItem()
      return { meta: { [key(call)]: properties[key(call)] } }
    },
  },
  {
    ...one,
    name: 'images.metadata.update',
    method: 'PUT',
    summary: 'Set a property of an image',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const { meta } = parse(single, call.body)
      if (!Object.hasOwn(meta, key(call))) throw new HttpError(400, 'Request body and URI mismatch')
      await change(call, (before) => ({ ...before, ...meta }))
      return { meta }
    },
  },
  {
    ...one,
    name: 'images.metadata.delete',
    method: 'DELETE',
    summary: 'Remove a property of an image',
    status: 204,
    access: 'write',
    handle: async (call) => {
      await change(call, (before) => {
        if (!Object.hasOwn(before, key(call))) throw noItem()
        const { [key(call)]: _gone, ...rest } = before
        return rest
      })
    },
  },
]
const noItem = () => new HttpError(404, 'Invalid metadata key')

/**
 * Words the errors of the operations as Nova does: for an image that does not exist, and for an image that must not be
 * deleted.
 */
const worded = (operations: ApiOperation[]): ApiOperation[] =>
  operations.map((operation) => ({
    ...operation,
    handle: async (call: Call) => {
      try {
        return await operation.handle(call)
      } catch (error) {
        if (!(error instanceof CloudError)) throw error
        if (error.code === 'not_found') throw new HttpError(404, 'Image not found.', { cause: error })
        if (error.code === 'conflict' && operation.method === 'DELETE')
          throw new HttpError(403, error.message, { cause: error })
        throw error
      }
    },
  }))

export const imageProxyOperations: ApiOperation[] = worded([
  {
    name: 'images.list',
    method: 'GET',
    path: '/images',
    summary: 'List images',
    status: 200,
    access: 'list',
    until: 35,
    filters,
    handle: (call) => list(call, brief),
  },
  {
    name: 'images.detail',
    method: 'GET',
    path: '/images/detail',
    summary: 'List images with details',
    status: 200,
    access: 'list',
    until: 35,
    filters,
    handle: (call) => list(call, detailed),
  },
  {
    ...image,
    name: 'images.get',
    method: 'GET',
    summary: 'Show an image',
    status: 200,
    access: 'read',
    handle: async (call) => ({ image: view(call, detailed, await getImage(call.ctx, { id: id(call) })) }),
  },
  {
    ...image,
    name: 'images.delete',
    method: 'DELETE',
    summary: 'Delete an image',
    status: 204,
    access: 'write',
    handle: async (call) => void (await deleteImage(call.ctx, { id: id(call) })),
  },
  ...metadataOperations,
])
