import type { Order } from '../../kernel/page.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, links, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, queryText } from '../../openstack/pages.ts'
import { at } from '../openstack/at.ts'
import { pageOf, sortOf, wantsAll } from '../openstack/list-query.ts'
import { isUuid } from '../uuid.ts'
import {
  deleteMessage,
  findMessages,
  getMessage,
  keptDays,
  type MessageView,
  type MessageWhere,
} from './service.ts'

/** Cinder's words for its actions. */
const words: Record<string, string> = {
  '001': 'schedule allocate volume',
  '002': 'attach volume',
  '003': 'copy volume to image',
  '004': 'update attachment',
  '005': 'copy image to volume',
  '007': 'extend volume',
  '009': 'create snapshot',
  '010': 'delete snapshot',
  '013': 'create backup',
  '014': 'delete backup',
  '015': 'restore backup',
  '016': 'reimage volume',
}
/** The number of a reason that has no number in Cinder: the text says it. */
const unknownReason = '001'
const eventOf = ({ resource, action }: MessageView) => `VOLUME_${resource}_${action}_${unknownReason}`

const fields: Field<MessageView>[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'event_id', of: eventOf },
  { name: 'user_message', of: ({ action, reason }) => `${words[action] ?? 'unknown action'}: ${reason}` },
  { name: 'message_level', of: () => 'ERROR' },
  { name: 'created_at', of: ({ createdAt }) => micros(createdAt) },
  {
    name: 'guaranteed_until',
    of: ({ createdAt }) => micros(new Date(createdAt.getTime() + keptDays * 86_400_000)),
  },
  { name: 'request_id', of: ({ requestId }) => requestId },
  { name: 'resource_type', of: ({ resource }) => resource },
  { name: 'resource_uuid', of: ({ resourceId }) => resourceId },
  { name: 'links', of: ({ id }, here) => links(here, `messages/${id}`) },
]

const columns = {
  ...{ id: 'id', created_at: 'createdAt', guaranteed_until: 'createdAt', event_id: 'action' },
  ...{ request_id: 'requestId', resource_type: 'resource', resource_uuid: 'resourceId' },
}
const filters = {
  ...{
    resource_uuid: '00000000-0000-0000-0000-000000000001',
    resource_type: 'MOON',
    event_id: 'VOLUME_X_1_2',
  },
  ...{ request_id: 'req-none', message_level: 'INFO' },
}

/** The filters came with 3.5; null for one that no message can fit. */
function whereOf(call: Call): MessageWhere | null {
  const where: MessageWhere = { allProjects: wantsAll(call) }
  if (call.minor < 5) return where
  const text = (name: string) => queryText(call.query, name)
  where.requestId = text('request_id')
  where.resource = text('resource_type')
  where.resourceId = text('resource_uuid')
  if (where.resourceId !== undefined && !isUuid(where.resourceId)) return null
  if (text('message_level') !== undefined && text('message_level') !== 'ERROR') return null
  const event = text('event_id')
  if (event === undefined) return where
  const [, resource, action] = /^VOLUME_(VOLUME|VOLUME_SNAPSHOT|VOLUME_BACKUP)_(\d{3})_001$/.exec(event) ?? []
  if (!resource || (where.resource !== undefined && where.resource !== resource)) return null
  return { ...where, resource, action }
}

const newest: Order = [{ field: 'createdAt', dir: 'desc' }]
/** Before 3.5 there are no pages, and a list must not be cut. */
async function list(call: Call): Promise<object> {
  const where = whereOf(call)
  if (where === null) return { messages: [] }
  const hasPages = call.minor >= 5
  const page = hasPages ? pageOf(call.query) : { limit: 1000 }
  const { rows, next } = await findMessages(call.ctx, {
    where,
    sort: hasPages ? sortOf(call.query, columns) : newest,
    page,
  })
  const [here, last] = [at(call), rows.at(-1)]
  const messages = rows.map((row) => shape(fields, row, here))
  if (next === null || !last) return { messages }
  if (!hasPages) throw new HttpError(400, 'There are more than 1000. Ask with microversion 3.5 for pages.')
  const link = new URL(nextLink(call.deps.config.publicUrl, call.request.url, last.id))
  link.searchParams.delete('offset')
  return { messages, messages_links: [{ rel: 'next', href: link.href }] }
}

const messageOf = ({ params }: Call) => ({ id: params.message_id ?? '' })
const item = { path: '/messages/:message_id', since: 3 }
export const messageOperations: ApiOperation[] = [
  {
    name: 'messages.list',
    method: 'GET',
    path: '/messages',
    since: 3,
    summary: 'List why operations have failed',
    status: 200,
    access: 'list',
    filters,
    deviation: 'The text is the reason of this cloud; the number of the reason is always 001.',
    handle: list,
  },
  {
    ...item,
    name: 'messages.get',
    method: 'GET',
    summary: 'Show why an operation has failed',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      message: shape(fields, await getMessage(call.ctx, messageOf(call)), at(call)),
    }),
  },
  {
    ...item,
    name: 'messages.delete',
    method: 'DELETE',
    summary: 'Delete a message',
    status: 204,
    access: 'write',
    handle: (call) => deleteMessage(call.ctx, messageOf(call)),
  },
]
