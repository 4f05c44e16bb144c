import { z } from 'zod'
import type { Order } from '../../kernel/page.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, queryText } from '../../openstack/pages.ts'
import { objectAt, parse } from '../../openstack/schema.ts'
import {
  attachmentsOf,
  demandChangeable,
  findAttachments,
  getAttachment,
  type ListedAttachment,
} from '../attachment-list.ts'
import type { VolumeWhere } from '../queries.ts'
import { endAttachment, reserveByAttachment } from '../reservations.ts'
import { isUuid } from '../uuid.ts'
import { at } from './at.ts'
import { pageOf, sortOf, wantsAll } from './list-query.ts'

/**
 * Cinder's attachments are the contract by which Nova gives volumes to its servers. Here the cloud itself is both, so
 * that everybody may read them. Services outside may reserve a volume, which keeps it for one server, and no more: an
 * attachment that only one side knows would give the data of a guest to a second one (A18).
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
  { name: 'attach_mode', of: ({ readOnly }) => (readOnly ? 'ro' : 'rw') },
  { name: 'connection_info', of: () => ({}) },
]

const noId = '00000000-0000-0000-0000-000000000001'
const filters = { volume_id: noId, instance_id: noId, status: 'nothing', attach_status: 'nothing' }
const columns = { created_at: 'createdAt', volume_id: 'id' }
const newest: Order = [{ field: 'createdAt', dir: 'desc' }]

/** Null for a filter that no attachment can fit. */
function whereOf(call: Call): (VolumeWhere & Required<Pick<VolumeWhere, 'taken'>>) | null {
  const text = (name: string) => queryText(call.query, name)
  const [volumeId, instanceId] = [text('volume_id'), text('instance_id')]
  if ([volumeId, instanceId].some((id) => id !== undefined && !isUuid(id))) return null
  const states = [text('status'), text('attach_status')].filter((state) => state !== undefined)
  if (states.length === 2 && states[0] !== states[1]) return null
  const ids = volumeId === undefined ? {} : { ids: [volumeId] }
  return { allProjects: wantsAll(call), ...ids, taken: { instanceId, state: states[0] } }
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
/** Why nobody outside of the cloud's compute is told how to reach a volume. */
export const connectedByHosts = () =>
  new HttpError(
    409,
    'The hosts of this cloud connect volumes themselves: attach the volume by POST /servers/ID/os-volume_attachments of the Compute API.',
  )
/** Cinder's words for a volume that a server uses (OSSA-2023-003). */
export const usedBy = (instanceId: string | null) =>
  new HttpError(409, `Detach volume from instance ${instanceId} using the Compute API.`)

const connector = z.record(z.string(), z.unknown()).nullish()
const isEmpty = (given: z.output<typeof connector>) => Object.keys(given ?? {}).length === 0

const creation = (minor: number) =>
  z.strictObject({
    attachment: objectAt(minor, {
      volume_uuid: z.uuid('is not a uuid'),
      instance_uuid: z.uuid('is not a uuid').nullish(),
      connector,
      mode: { schema: z.enum(['rw', 'ro']).nullish(), since: 54 },
    }) as z.ZodType<{
      volume_uuid: string
      instance_uuid?: string | null
      connector?: z.output<typeof connector>
      mode?: 'rw' | 'ro' | null
    }>,
  })

/** Without a connector, the volume is reserved; the connector of a host is refused. */
async function create(call: Call): Promise<object> {
  const { attachment: wish } = parse(creation(call.minor), call.body)
  if (!isEmpty(wish.connector)) {
    await demandChangeable(call.ctx, wish.volume_uuid)
    throw connectedByHosts()
  }
  const { id } = await reserveByAttachment(call.ctx, {
    ...{ volumeId: wish.volume_uuid, instanceId: wish.instance_uuid ?? null },
    readOnly: wish.mode === 'ro',
  })
  return { attachment: shape(fields, await getAttachment(call.ctx, { id }), at(call)) }
}

const change = z.strictObject({ attachment: z.strictObject({ connector }) })

async function refuseConnector(call: Call): Promise<never> {
  const { attachment } = parse(change, call.body)
  await getAttachment(call.ctx, attachmentOf(call), 'volume:update')
  if (isEmpty(attachment.connector))
    throw new HttpError(400, "Must specify 'connector' to update attachment.")
  throw connectedByHosts()
}

async function refuseCompletion(call: Call): Promise<never> {
  await getAttachment(call.ctx, attachmentOf(call), 'volume:update')
  throw connectedByHosts()
}

/** Ends a reservation, and answers the attachments that the volume has still. */
async function remove(call: Call): Promise<object> {
  const { id, state, instanceId, volume } = await getAttachment(
    call.ctx,
    attachmentOf(call),
    'volume:reserve',
  )
  if (state !== 'reserved') throw usedBy(instanceId)
  await endAttachment(call.ctx, { volumeId: volume.id, id })
  const here = at(call)
  const left = await attachmentsOf(call.ctx, volume.id)
  return { attachments: left.map((one) => shape(summary, one, here)) }
}

const lists = { method: 'GET', since: 27, status: 200, access: 'list', filters } as const
const item = { path: '/attachments/:attachment_id', since: 27 }
const refusal = {
  status: 409,
  access: 'write',
  deviation:
    'Always a 409 after the same checks: only the hosts of this cloud connect volumes, so that a volume never has a second owner.',
} as const
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
    name: 'attachments.create',
    method: 'POST',
    path: '/attachments',
    since: 27,
    summary: 'Reserve a volume for a server',
    ...{ status: 200, access: 'write', except: { systemReader: 'forbidden' } },
    deviation:
      'An available volume is reserved by one attachment, one of a type with multiattach by several, also while servers have it. The Compute API gives the volume to the server for which it is reserved, and the reservation becomes the attachment. With a connector a 409: only the hosts of this cloud connect volumes, so that a volume never has a second owner.',
    handle: create,
  },
  {
    ...{ ...refusal, ...item },
    name: 'attachments.update',
    method: 'PUT',
    summary: 'Connect a host to a volume (refused)',
    handle: refuseConnector,
  },
  {
    ...item,
    name: 'attachments.delete',
    method: 'DELETE',
    summary: 'End the reservation of a volume',
    ...{ status: 200, access: 'write' },
    deviation: 'A 409 for what a server has, whoever asks: the Compute API detaches.',
    handle: remove,
  },
  {
    ...refusal,
    name: 'attachments.os-complete',
    method: 'POST',
    path: '/attachments/:attachment_id/action',
    action: 'os-complete',
    since: 44,
    summary: 'Say that a server has a volume (refused)',
    handle: refuseCompletion,
  },
]
