import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import { tagsInput } from '../contract.ts'
import { setMetadata, setTags } from '../instances/metadata-and-tags.ts'
import { getServer } from '../instances/server-list.ts'
import { boundMetadata, metadata } from './body.ts'
import { at } from './fields.ts'

const id = (call: Call) => call.params.server_id ?? ''
const key = (call: Call) => call.params.key ?? ''
const metadataOf = async (call: Call) =>
  (await getServer(call.ctx, { id: id(call) })).row.metadata as Record<string, string>
const all = { path: '/servers/:server_id/metadata' }
const one = { path: '/servers/:server_id/metadata/:key', names: ['key'] }
const noItem = () => new HttpError(404, 'Metadata item was not found')
const many = z.strictObject({ metadata })
const single = z.strictObject({
  meta: metadata.refine((m) => Object.keys(m).length === 1, 'must have one item'),
})

type Items = Record<string, string>
const change = (call: Call, to: (before: Items) => Items) =>
  setMetadata(call.ctx, id(call), (before) => boundMetadata(to(before)))

const itemOperations: ApiOperation[] = [
  {
    ...all,
    name: 'servers.metadata.list',
    method: 'GET',
    summary: 'List the metadata of a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({ metadata: await metadataOf(call) }),
  },
  {
    ...all,
    name: 'servers.metadata.create',
    method: 'POST',
    summary: 'Add or change metadata of a server',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const { metadata: more } = parse(many, call.body)
      return { metadata: await change(call, (before) => ({ ...before, ...more })) }
    },
  },
  {
    ...all,
    name: 'servers.metadata.replace',
    method: 'PUT',
    summary: 'Replace the metadata of a server',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const { metadata: wished } = parse(many, call.body)
      return { metadata: await change(call, () => wished) }
    },
  },
  {
    ...one,
    name: 'servers.metadata.get',
    method: 'GET',
    summary: 'Show one metadata item of a server',
    status: 200,
    access: 'read',
    handle: async (call) => {
      const all = await metadataOf(call)
      if (!Object.hasOwn(all, key(call))) throw noItem()
      return { meta: { [key(call)]: all[key(call)] } }
    },
  },
  {
    ...one,
    name: 'servers.metadata.update',
    method: 'PUT',
    summary: 'Set one metadata item of a server',
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
    name: 'servers.metadata.delete',
    method: 'DELETE',
    summary: 'Remove one metadata item of a server',
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

const tags = { path: '/servers/:server_id/tags', since: 26 }
const tag = { path: '/servers/:server_id/tags/:key', names: ['key'], since: 26 }
const noTag = () => new HttpError(404, 'The server has no such tag.')
const tagsOf = async (call: Call) => (await getServer(call.ctx, { id: id(call) })).row.tags

const tagOperations: ApiOperation[] = [
  {
    ...tags,
    name: 'servers.tags.list',
    method: 'GET',
    summary: 'List the tags of a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({ tags: await tagsOf(call) }),
  },
  {
    ...tags,
    name: 'servers.tags.replace',
    method: 'PUT',
    summary: 'Replace the tags of a server',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const wish = parse(z.strictObject({ tags: tagsInput }), call.body)
      return { tags: await setTags(call.ctx, id(call), () => wish.tags) }
    },
  },
  {
    ...tags,
    name: 'servers.tags.clear',
    method: 'DELETE',
    summary: 'Remove all tags of a server',
    status: 204,
    access: 'write',
    handle: async (call) => void (await setTags(call.ctx, id(call), () => [])),
  },
  {
    ...tag,
    name: 'servers.tags.get',
    method: 'GET',
    summary: 'Does a server have a tag?',
    status: 204,
    access: 'read',
    handle: async (call) => {
      if (!(await tagsOf(call)).includes(key(call))) throw noTag()
    },
  },
  {
    ...tag,
    name: 'servers.tags.add',
    method: 'PUT',
    summary: 'Give a server a tag',
    status: 201,
    access: 'write',
    deviation: '204 when it has the tag already, as documented.',
    handle: async (call) => {
      const [wished = ''] = parse(tagsInput, [key(call)])
      let had = false
      await setTags(call.ctx, id(call), (before) => {
        had = before.includes(wished)
        return had ? before : parse(tagsInput, [...before, wished])
      })
      if (had) call.reply.status(204)
      else
        call.reply.header(
          'Location',
          `${at(call).self}/servers/${id(call)}/tags/${encodeURIComponent(wished)}`,
        )
    },
  },
  {
    ...tag,
    name: 'servers.tags.delete',
    method: 'DELETE',
    summary: 'Take a tag off a server',
    status: 204,
    access: 'write',
    handle: async (call) => {
      await setTags(call.ctx, id(call), (before) => {
        if (!before.includes(key(call))) throw noTag()
        return before.filter((one) => one !== key(call))
      })
    },
  },
]
export const metadataOperations = [...itemOperations, ...tagOperations]
