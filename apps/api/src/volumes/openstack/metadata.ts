import { createHash } from 'node:crypto'
import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import { changeMetadata, getVolume } from '../service.ts'
import { volumeOf } from './at.ts'

/** Metadata of a volume, with keys and values as Cinder accepts them. */
export const metadata = z.record(
  z.string().regex(/^[a-zA-Z0-9_:. /-]{1,255}$/, 'may have letters, digits, spaces and - _ : . /'),
  z.string().max(255, 'is too long'),
)
type Items = Record<string, string>

/** Since 3.15 callers can say which metadata they have seen, and change no others. */
const etagOf = (items: Items) => createHash('sha256').update(JSON.stringify(items)).digest('hex')
function demandSeen({ request, minor }: Call, before: Items): void {
  const seen = request.headers['if-match']
  if (minor >= 15 && seen !== undefined && seen.replaceAll('"', '') !== etagOf(before))
    throw new HttpError(412, 'The metadata has been changed meanwhile. Read it again.')
}
/** The metadata as an answer, with its ETag. */
function shown(call: Call, items: Items): { metadata: Items } {
  if (call.minor >= 15) call.reply.header('etag', etagOf(items))
  return { metadata: items }
}

const maxItems = 128
const change = async (call: Call, to: (before: Items) => Items): Promise<Items> => {
  const changed = await changeMetadata(call.ctx, volumeOf(call).id, (before) => {
    demandSeen(call, before)
    const after = to(before)
    if (Object.keys(after).length > maxItems)
      throw new HttpError(413, `Maximum number of metadata items exceeds ${maxItems}`)
    return after
  })
  return changed.metadata
}

const key = (call: Call) => call.params.key ?? ''
const itemsOf = async (call: Call) => (await getVolume(call.ctx, volumeOf(call))).metadata
const noItem = (call: Call) =>
  new HttpError(404, `Volume ${volumeOf(call).id} has no metadata with key ${key(call).slice(0, 255)}.`)

const all = { path: '/volumes/:volume_id/metadata', status: 200 }
const one = { path: '/volumes/:volume_id/metadata/:key', names: ['key'], status: 200 }
const many = z.strictObject({ metadata })
const single = z.strictObject({
  meta: metadata.refine(
    (items) => Object.keys(items).length === 1,
    'Request body must contain exactly one item',
  ),
})

export const metadataOperations: ApiOperation[] = [
  {
    ...all,
    name: 'volumes.metadata.list',
    method: 'GET',
    summary: 'List the metadata of a volume',
    access: 'read',
    handle: async (call) => shown(call, await itemsOf(call)),
  },
  {
    ...all,
    name: 'volumes.metadata.create',
    method: 'POST',
    summary: 'Add or change metadata of a volume',
    access: 'write',
    handle: async (call) => {
      const { metadata: more } = parse(many, call.body)
      return shown(call, await change(call, (before) => ({ ...before, ...more })))
    },
  },
  {
    ...all,
    name: 'volumes.metadata.replace',
    method: 'PUT',
    summary: 'Replace the metadata of a volume',
    access: 'write',
    handle: async (call) => {
      const { metadata: wished } = parse(many, call.body)
      return shown(call, await change(call, () => wished))
    },
  },
  {
    ...one,
    name: 'volumes.metadata.get',
    method: 'GET',
    summary: 'Show one metadata item of a volume',
    access: 'read',
    handle: async (call) => {
      const items = await itemsOf(call)
      if (!Object.hasOwn(items, key(call))) throw noItem(call)
      return { meta: { [key(call)]: items[key(call)] } }
    },
  },
  {
    ...one,
    name: 'volumes.metadata.update',
    method: 'PUT',
    summary: 'Set one metadata item of a volume',
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
    name: 'volumes.metadata.delete',
    method: 'DELETE',
    summary: 'Remove one metadata item of a volume',
    access: 'write',
    handle: async (call) => {
      await change(call, (before) => {
        if (!Object.hasOwn(before, key(call))) throw noItem(call)
        const { [key(call)]: _gone, ...rest } = before
        return rest
      })
    },
  },
]
