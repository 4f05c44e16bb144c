import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import type { TagKind } from '../contract.ts'
import { changeTags, setTags } from '../tags/service.ts'
import { badRequest } from './errors.ts'
import { floatingIps } from './floatingips.ts'
import { networks } from './networks.ts'
import { ports } from './ports.ts'
import { idOf, operation } from './resource.ts'
import { withRevision } from './revisions.ts'
import { routers } from './routers.ts'
import { securityGroups } from './security-groups.ts'
import { subnets } from './subnets.ts'

type Taggable = {
  /** The collection in the path: "security-groups". */
  collection: string
  /** The words for sentences: "floating IP". */
  words: string
  kind: TagKind
  one: (ctx: Ctx, id: string) => Promise<{ tags: string[] }>
  /** Runs a change of the thing's tags; a call with If-Match is checked first. */
  changing: <Answer>(call: Call, change: (call: Call, id: string) => Promise<Answer>) => Promise<Answer>
}
type Tagged<Row> = Parameters<typeof withRevision<Row, unknown>>[0] & { path: string; kind: string }

function taggable<Row extends { tags: string[] }>(kind: TagKind, resource: Tagged<Row>): Taggable {
  return {
    collection: resource.path.slice(1),
    words: resource.kind,
    kind,
    one: resource.one,
    changing: (call, change) => {
      const id = idOf(call, resource.kind)
      return withRevision(resource, call, id, (its) => change(its, id))
    },
  }
}
/** Everything that can be tagged. */
export const taggables: readonly Taggable[] = [
  taggable('network', networks),
  taggable('subnet', subnets),
  taggable('port', ports),
  taggable('router', routers),
  taggable('floatingIp', floatingIps),
  taggable('securityGroup', securityGroups),
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

function setOperations({ collection, words, kind, one, changing }: Taggable): ApiOperation[] {
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
      handle: (call) =>
        changing(call, async ({ ctx, body }, id) => {
          await one(ctx, id)
          return { tags: await setTags(ctx, { kind, id, tags: tagsOf(body) }) }
        }),
    }),
    operation({
      ...base('add'),
      method: 'POST',
      summary: `Add tags to a ${words}`,
      status: 200,
      access: 'write',
      handle: (call) =>
        changing(call, async ({ ctx, body }, id) => {
          await one(ctx, id)
          const added = tagsOf(body)
          return { tags: await changeTags(ctx, { kind, id }, (tags) => [...tags, ...added]) }
        }),
    }),
    operation({
      ...base('clear'),
      method: 'DELETE',
      summary: `Remove the tags of a ${words}`,
      status: 204,
      access: 'write',
      handle: (call) =>
        changing(call, async ({ ctx }, id) => {
          await setTags(ctx, { kind, id, tags: [] })
        }),
    }),
  ]
}

function oneOperations({ collection, words, kind, one, changing }: Taggable): ApiOperation[] {
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
      handle: (call) =>
        changing(call, async (its, id) => {
          const added = tagOf(its)
          await changeTags(its.ctx, { kind, id }, (tags) => [...tags, added])
        }),
    }),
    operation({
      name: `${collection}.tag.remove`,
      path,
      method: 'DELETE',
      summary: `Remove a tag from a ${words}`,
      status: 204,
      access: 'write',
      handle: (call) =>
        changing(call, async (its, id) => {
          const removed = tagOf(its)
          await changeTags(its.ctx, { kind, id }, (tags) => {
            requireTag(tags, removed)
            return tags.filter((other) => other !== removed)
          })
        }),
    }),
  ]
}
