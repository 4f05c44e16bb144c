import { z } from 'zod'
import type { Order } from '../../kernel/page.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, queryText } from '../../openstack/pages.ts'
import { parse } from '../../openstack/schema.ts'
import {
  demandChangeable,
  findAttachments,
  getAttachment,
  type ListedAttachment,
} from '../attachment-list.ts'
import type { VolumeWhere } from '../queries.ts'
import { at } from './at.ts'
import { pageOf, sortOf, wantsAll } from './list-query.ts'

/**
 * Cinder's attachments are the contract by which Nova gives volumes to its servers. Here the cloud itself is both, so
 * that everybody may read them, and nobody may change them beside the server: a change that only one side knows would
 * give the data of a guest to a second one (A18).
 */
const summary: Field<ListedAttachment>[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'status', of: ({ state }) => state },
  { name: 'instance', of: ({ instanceId }) => instanceId },
  { name: 'volume_id', of: ({ volume }) => volume.id },
]
const fields: Field<ListedAttachment>[] = [
  ...summary,
  { name: 'attached_at', of: ({ attachedAt }) => micros(attachedAt) ?? '' },
  { name: 'detached_at', of: () => '' },
  { name: 'attach_mode', of: ({ volume }) => (volume.readOnly ? 'ro' : 'rw') },
  { name: 'connection_info', of: () => ({}) },
]

const noId = '00000000-0000-0000-0000-000000000001'
const filters = { volume_id: noId, instance_id: noId, status: 'reserved', attach_status: 'reserved' }
const columns = { created_at: 'createdAt', volume_id: 'id' }
const newest: Order = [{ field: 'createdAt', dir: 'desc' }]
const isUuid = (text: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)

/** Null for a filter that no attachment can fit. */
function whereOf(call: Call): VolumeWhere | null {
  const text = (name: string) => queryText(call.query, name)
  const [volumeId, instanceId] = [text('volume_id'), text('instance_id')]
  if ([volumeId, instanceId].some((id) => id !== undefined && !isUuid(id))) return null
  const states = [text('status'), text('attach_status')].filter((state) => state !== undefined)
  if (states.length === 2 && states[0] !== states[1]) return null
  const ids = volumeId === undefined ? {} : { ids: [volumeId] }
  return { allProjects: wantsAll(call), ...ids, instanceId, attachmentState: states[0] }
}

async function list(call: Call, shown: readonly Field<ListedAttachment>[]): Promise<object> {
  const where = whereOf(call)
  if (where === null) return { attachments: [] }
  const hasSort = ['sort', 'sort_key', 'sort_dir'].some((name) => queryText(call.query, name) !== undefined)
  const sort = hasSort ? sortOf(call.query, columns) : newest
  const { attachments, more } = await findAttachments(call.ctx, { where, sort, page: pageOf(call.query) })
  const [here, last] = [at(call), attachments.at(-1)]
  const body = { attachments: attachments.map((one) => shape(shown, one, here)) }
  if (!more || !last) return body
  const next = new URL(nextLink(call.deps.config.publicUrl, call.request.url, last.id))
  next.searchParams.delete('offset')
  return { ...body, attachments_links: [{ rel: 'next', href: next.href }] }
}

const attachmentOf = ({ params }: Call) => ({ id: params.attachment_id ?? '' })
const refused = () =>
  new HttpError(
    409,
    'Volumes are attached and detached by their servers alone: use POST and DELETE of /servers/ID/os-volume_attachments.',
  )

/** Of an attachment that the caller may not see, the caller learns nothing. */
async function refuse(call: Call): Promise<never> {
  await getAttachment(call.ctx, attachmentOf(call), 'volume:update')
  throw refused()
}

const creation = z.strictObject({
  attachment: z.strictObject({
    volume_uuid: z.uuid(),
    instance_uuid: z.uuid(),
    connector: z.record(z.string(), z.unknown()).nullish(),
    mode: z.enum(['rw', 'ro']).nullish(),
  }),
})

async function refuseCreation(call: Call): Promise<never> {
  const { attachment } = parse(creation, call.body)
  await demandChangeable(call.ctx, attachment.volume_uuid)
  throw refused()
}

const deviation =
  'Always a 409 after the same checks: only Nova’s door attaches and detaches, so that a volume never has a second owner.'
const lists = { method: 'GET', since: 27, status: 200, access: 'list', filters } as const
const item = { path: '/attachments/:attachment_id', since: 27 }
const refusal = { status: 409, access: 'write', deviation } as const
export const attachmentOperations: ApiOperation[] = [
  {
    ...lists,
    name: 'attachments.list',
    path: '/attachments',
    summary: 'List which servers have which volumes',
    handle: (call) => list(call, summary),
  },
  {
    ...lists,
    name: 'attachments.detail',
    path: '/attachments/detail',
    summary: 'List which servers have which volumes, with details',
    handle: (call) => list(call, fields),
  },
  {
    ...item,
    name: 'attachments.get',
    method: 'GET',
    summary: 'Show which server has a volume',
    status: 200,
    access: 'read',
    deviation: 'connection_info is empty: how a host reaches a volume is nobody’s concern.',
    handle: async (call) => ({
      attachment: shape(fields, await getAttachment(call.ctx, attachmentOf(call)), at(call)),
    }),
  },
  {
    ...refusal,
    name: 'attachments.create',
    method: 'POST',
    path: '/attachments',
    since: 27,
    summary: 'Reserve a volume for a server (refused)',
    handle: refuseCreation,
  },
  {
    ...{ ...refusal, ...item },
    name: 'attachments.update',
    method: 'PUT',
    summary: 'Connect a host to a volume (refused)',
    handle: refuse,
  },
  {
    ...{ ...refusal, ...item },
    name: 'attachments.delete',
    method: 'DELETE',
    summary: 'Take a volume from a server (refused)',
    handle: refuse,
  },
  {
    ...refusal,
    name: 'attachments.os-complete',
    method: 'POST',
    path: '/attachments/:attachment_id/action',
    action: 'os-complete',
    since: 44,
    summary: 'Say that a server has a volume (refused)',
    handle: refuse,
  },
]
