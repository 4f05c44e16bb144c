import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import type { TagKind } from '../contract.ts'
import { findFloatingIp } from '../floating-ips/find.ts'
import { findNetwork } from '../networks/find.ts'
import { findPort } from '../ports/find.ts'
import { findRouter } from '../routers/find.ts'
import { findSecurityGroup } from '../security-groups/find.ts'
import { findSubnet } from '../subnets/find.ts'
import { changeTags, setTags } from '../tags/service.ts'
import { badRequest } from './errors.ts'
import { idOf, operation } from './resource.ts'

type Taggable = {
  collection: string
  /** In sentences: "floating IP". */
  words: string
  kind: TagKind
  one: (ctx: Ctx, id: string) => Promise<{ tags: string[] }>
}
/** Everything that can be tagged, by its path. */
export const taggables: readonly Taggable[] = [
  { collection: 'networks', words: 'network', kind: 'network', one: findNetwork },
  { collection: 'subnets', words: 'subnet', kind: 'subnet', one: findSubnet },
  { collection: 'ports', words: 'port', kind: 'port', one: findPort },
  { collection: 'routers', words: 'router', kind: 'router', one: findRouter },
  { collection: 'floatingips', words: 'floating IP', kind: 'floatingIp', one: findFloatingIp },
  { collection: 'security-groups', words: 'security group', kind: 'securityGroup', one: findSecurityGroup },
]

const tag = z.string().min(1).max(60)
const bodySchema = z.strictObject({ tags: z.array(tag).max(50) })
function tagsOf(body: unknown): string[] {
  const parsed = bodySchema.safeParse(body)
  if (!parsed.success)
    throw badRequest('Invalid input for tags. Reason: it is a list of up to 50 tags of 1 to 60 characters.')
  return parsed.data.tags
}
function tagOf({ params }: Call): string {
  const parsed = tag.safeParse(params.tag)
  if (!parsed.success) throw badRequest('Invalid input for tag. Reason: it has 1 to 60 characters.')
  return parsed.data
}

export const tagOperations: ApiOperation[] = taggables.flatMap((taggable) => [
  ...setOperations(taggable),
  ...oneOperations(taggable),
])

function setOperations({ collection, words, kind, one }: Taggable): ApiOperation[] {
  const path = `/${collection}/:id/tags`
  const base = (name: string) => ({ name: `${collection}.tags.${name}`, path })
  return [
    operation({
      ...base('list'),
      method: 'GET',
      summary: `Tags of a ${words}`,
      status: 200,
      access: 'read',
      handle: async (call) => ({ tags: (await one(call.ctx, idOf(call, words))).tags }),
    }),
    operation({
      ...base('replace'),
      method: 'PUT',
      summary: `Replace the tags of a ${words}`,
      status: 200,
      access: 'write',
      handle: async (call) => {
        const id = idOf(call, words)
        await one(call.ctx, id)
        return { tags: await setTags(call.ctx, { kind, id, tags: tagsOf(call.body) }) }
      },
    }),
    operation({
      ...base('add'),
      method: 'POST',
      summary: `Add tags to a ${words}`,
      status: 200,
      access: 'write',
      handle: async (call) => {
        const id = idOf(call, words)
        await one(call.ctx, id)
        const added = tagsOf(call.body)
        return { tags: await changeTags(call.ctx, { kind, id }, (tags) => [...tags, ...added]) }
      },
    }),
    operation({
      ...base('clear'),
      method: 'DELETE',
      summary: `Remove the tags of a ${words}`,
      status: 204,
      access: 'write',
      handle: async (call) => {
        await setTags(call.ctx, { kind, id: idOf(call, words), tags: [] })
      },
    }),
  ]
}

function oneOperations({ collection, words, kind, one }: Taggable): ApiOperation[] {
  const path = `/${collection}/:id/tags/:tag`
  const requireTag = (tags: readonly string[], wanted: string) => {
    if (!tags.includes(wanted)) throw notFound('tag', wanted)
  }
  return [
    operation({
      name: `${collection}.tag.get`,
      path,
      method: 'GET',
      summary: `Whether a ${words} has a tag`,
      status: 204,
      access: 'read',
      handle: async (call) => requireTag((await one(call.ctx, idOf(call, words))).tags, tagOf(call)),
    }),
    operation({
      name: `${collection}.tag.add`,
      path,
      method: 'PUT',
      summary: `Add a tag to a ${words}`,
      status: 201,
      access: 'write',
      handle: async (call) => {
        const added = tagOf(call)
        await changeTags(call.ctx, { kind, id: idOf(call, words) }, (tags) => [...tags, added])
      },
    }),
    operation({
      name: `${collection}.tag.remove`,
      path,
      method: 'DELETE',
      summary: `Remove a tag from a ${words}`,
      status: 204,
      access: 'write',
      handle: async (call) => {
        const removed = tagOf(call)
        await changeTags(call.ctx, { kind, id: idOf(call, words) }, (tags) => {
          requireTag(tags, removed)
          return tags.filter((other) => other !== removed)
        })
      },
    }),
  ]
}
