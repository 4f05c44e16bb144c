import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import {
  changeImage,
  createImage,
  deactivateImage,
  deleteImage,
  findImages,
  getImage,
  reactivateImage,
} from '../service.ts'
import { idOf } from './answers.ts'
import { maxTags, tagInput } from './attributes.ts'
import { newImageOf } from './create.ts'
import { importMethods } from './info.ts'
import { imageFilter, imageFilters } from './list-query.ts'
import { patchDialect, patched, patchSteps, patchTypes } from './patch.ts'
import { imageView, storeId } from './views.ts'

export const imageOperations: ApiOperation[] = [
  {
    name: 'images.list',
    method: 'GET',
    path: '/images',
    summary: 'List images',
    status: 200,
    access: 'list',
    filters: imageFilters,
    deviation: 'The last page has no next link even when it is full.',
    handle: list,
  },
  {
    name: 'images.create',
    method: 'POST',
    path: '/images',
    summary: 'Create an image',
    status: 201,
    access: 'create',
    deviation:
      'disk_format is raw or qcow2 and container_format bare; an owner other than the project of the token is an administrator’s to say.',
    handle: create,
  },
  {
    name: 'images.get',
    method: 'GET',
    path: '/images/:id',
    summary: 'Show an image',
    status: 200,
    access: 'read',
    handle: async (call) => imageView(await getImage(call.ctx, { id: idOf(call) })),
  },
  {
    name: 'images.update',
    method: 'PATCH',
    path: '/images/:id',
    summary: 'Update an image',
    status: 200,
    access: 'write',
    accepts: Object.keys(patchTypes),
    deviation: 'Locations cannot be changed; the owner by an administrator, when no data is on its way.',
    handle: async (call) => {
      const steps = patchSteps(call.body, patchDialect(call.request.headers['content-type']))
      return imageView(await changeImage(call.ctx, idOf(call), (before) => patched(before, steps)))
    },
  },
  {
    name: 'images.delete',
    method: 'DELETE',
    path: '/images/:id',
    summary: 'Delete an image',
    status: 204,
    access: 'write',
    handle: remove,
  },
  {
    name: 'images.tags.add',
    method: 'PUT',
    path: '/images/:id/tags/:tag',
    summary: 'Add a tag to an image',
    status: 204,
    access: 'write',
    names: ['tag'],
    handle: async (call) => {
      const tag = tagOf(call)
      await changeImage(call.ctx, idOf(call), ({ tags }) => {
        if (tags.length >= maxTags && !tags.includes(tag))
          throw new HttpError(413, `An image has at most ${maxTags} tags.`)
        return { tags: [...new Set([...tags, tag])] }
      })
    },
  },
  {
    name: 'images.tags.remove',
    method: 'DELETE',
    path: '/images/:id/tags/:tag',
    summary: 'Take a tag off an image',
    status: 204,
    access: 'write',
    names: ['tag'],
    handle: async (call) => {
      const tag = tagOf(call)
      await changeImage(call.ctx, idOf(call), ({ tags }) => {
        if (!tags.includes(tag)) throw new HttpError(404, 'The image has no such tag.')
        return { tags: tags.filter((one) => one !== tag) }
      })
    },
  },
  {
    name: 'images.deactivate',
    method: 'POST',
    path: '/images/:id/actions/deactivate',
    summary: 'Deactivate an image',
    status: 204,
    access: 'write',
    handle: (call) => refusedState(deactivateImage(call.ctx, { id: idOf(call) })),
  },
  {
    name: 'images.reactivate',
    method: 'POST',
    path: '/images/:id/actions/reactivate',
    summary: 'Reactivate an image',
    status: 204,
    access: 'write',
    handle: (call) => refusedState(reactivateImage(call.ctx, { id: idOf(call) })),
  },
]

async function list({ ctx, query }: Call): Promise<object> {
  const { images, next } = await findImages(ctx, imageFilter(query))
  const link = (marker?: string) => {
    const words = new URLSearchParams()
    for (const [name, value] of Object.entries(query))
      if (name !== 'marker') for (const one of [value ?? ''].flat()) words.append(name, one)
    if (marker !== undefined) words.append('marker', marker)
    return words.size === 0 ? '/v2/images' : `/v2/images?${words}`
  }
  return {
    images: images.map(imageView),
    first: link(),
    schema: '/v2/schemas/images',
    ...(next === null ? {} : { next: link(next) }),
  }
}

async function create({ ctx, deps, body, reply }: Call): Promise<object> {
  const image = await createImage(ctx, newImageOf(body))
  reply
    .header('Location', `${deps.config.publicUrl}/image/v2/images/${image.id}`)
    .header('OpenStack-image-import-methods', importMethods.join(','))
    .header('OpenStack-image-store-ids', storeId)
  return imageView(image)
}

async function remove(call: Call): Promise<void> {
  const image = await getImage(call.ctx, { id: idOf(call) })
  await deleteImage(call.ctx, image).catch((error: unknown) => {
    if (!image.protected || (error as { code?: unknown }).code !== 'conflict') throw error
    throw new HttpError(403, `Image ${image.id} is protected and cannot be deleted.`, { cause: error })
  })
}

function tagOf(call: Call): string {
  const parsed = tagInput.safeParse(call.params.tag)
  if (!parsed.success) throw new HttpError(400, 'A tag has 1 to 255 characters.')
  return parsed.data
}

/** Answers 403, as Glance does, when the state of an image forbids the action. */
async function refusedState(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const { code, message } = error as { code?: unknown; message: string }
    throw code === 'conflict' ? new HttpError(403, message, { cause: error }) : error
  })
}
