import { z } from 'zod'
import { isAdmin } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { boolean, inner, objectAt } from '../../openstack/schema.ts'
import { type AttachedVolume, getVolume } from '../../volumes/service.ts'
import { attachVolume, detachVolume, getAttachedVolume, listAttachedVolumes } from '../instances/volumes.ts'
import { at } from './fields.ts'

type Shown = AttachedVolume & { serverId: string }
const fields: Field<Shown>[] = [
  // Nova has named an attachment after its volume until 2.88.
  { name: 'id', of: (one) => one.volumeId },
  { name: 'volumeId', of: (one) => one.volumeId },
  { name: 'serverId', of: (one) => one.serverId },
  { name: 'device', of: (one) => one.device },
  { name: 'tag', since: 70, of: () => null },
  { name: 'delete_on_termination', since: 79, of: (one) => one.deleteOnTermination },
]
const serverOf = (call: Call) => ({ id: call.params.server_id ?? '' })
const both = (call: Call) => ({ ...serverOf(call), volumeId: call.params.volume_id ?? '' })
const view = (call: Call, one: AttachedVolume) =>
  shape(fields, { ...one, serverId: serverOf(call).id }, at(call))

const uuid = z.uuid('is not a UUID')
const creation = (minor: number) =>
  objectAt(minor, {
    volumeId: uuid,
    device: z
      .string()
      .max(255)
      .regex(/^(\/dev\/)?x{0,1}[a-z]{0,1}d{0,1}[a-z]+$/, 'is no name of a device')
      .nullish(),
    tag: { schema: z.string().max(60).optional(), since: 49 },
    delete_on_termination: { schema: boolean.optional(), since: 79 },
  }) as z.ZodType<{
    volumeId: string
    device?: string | null
    tag?: string
    delete_on_termination?: boolean
  }>

async function attach(call: Call): Promise<object> {
  const wish = inner(call, 'volumeAttachment', creation(call.minor))
  if (wish.tag !== undefined) throw new HttpError(400, 'Device tags are not told to guests by this cloud.')
  if (call.minor < 60) await refuseShared(call, wish.volumeId)
  const wished = {
    ...serverOf(call),
    volumeId: wish.volumeId,
    ...(wish.device ? { device: wish.device } : {}),
    ...(wish.delete_on_termination === undefined ? {} : { deleteOnTermination: wish.delete_on_termination }),
  }
  const made = await orInvalid(attachVolume(call.ctx, wished))
  return { volumeAttachment: view(call, made) }
}

/** Throws 400 for a volume that several servers may have, whose clients must know that. A volume that the caller does not see is not found later. */
async function refuseShared({ ctx }: Call, id: string): Promise<void> {
  const volume = await getVolume(ctx, { id }).catch((error: unknown) => {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  })
  if (volume?.multiattach)
    throw new HttpError(400, 'Multiattach volumes are only supported starting with compute API version 2.60.')
}

/** Nova answers 400 for a volume whose state forbids the request, and 409 for a server whose state does. */
async function orInvalid<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof CloudError && error.reason === 'rootVolume')
      throw new HttpError(400, 'Cannot detach a root device volume', { cause: error })
    if (error instanceof CloudError && error.reason === 'volumeState') throw new HttpError(400, error.message)
    throw error
  }
}

/** Until 2.84 the request exchanges a volume for another one, which Nova lets administrators alone do. */
const exchange = z.strictObject({ volumeId: uuid })

async function refuseExchange(call: Call): Promise<never> {
  inner(call, 'volumeAttachment', exchange)
  await getAttachedVolume(call.ctx, both(call))
  if (!isAdmin(call.ctx))
    throw new HttpError(
      403,
      "Policy doesn't allow os_compute_api:os-volumes-attachments:swap to be performed.",
    )
  throw new HttpError(400, 'This cloud does not exchange volumes: detach the one and attach the other.')
}

/** Nova cuts the list by `limit` and `offset`; a server has few volumes. */
async function list(call: Call): Promise<object> {
  const [limit, offset] = ['limit', 'offset'].map((name) => {
    const text = queryText(call.query, name)
    if (text !== undefined && !/^\d{1,9}$/.test(text))
      throw new HttpError(400, `Invalid input for query parameters ${name}. It must be a whole number.`)
    return text === undefined ? undefined : Number(text)
  })
  const all = await listAttachedVolumes(call.ctx, serverOf(call))
  const from = offset ?? 0
  const shown = all.slice(from, limit ? from + limit : undefined)
  return { volumeAttachments: shown.map((one) => view(call, one)) }
}

const collection = { path: '/servers/:server_id/os-volume_attachments' }
const item = { path: '/servers/:server_id/os-volume_attachments/:volume_id' }
export const volumeAttachmentOperations: ApiOperation[] = [
  {
    ...collection,
    name: 'servers.volumes.list',
    method: 'GET',
    summary: 'List the volumes of a server',
    status: 200,
    access: 'read',
    handle: list,
  },
  {
    ...collection,
    name: 'servers.volumes.create',
    method: 'POST',
    summary: 'Attach a volume to a server',
    status: 200,
    access: 'write',
    deviation:
      'Device tags are refused. A name of a device that the guest cannot have is a 400, one that is taken a 409.',
    handle: attach,
  },
  {
    ...item,
    name: 'servers.volumes.get',
    method: 'GET',
    summary: 'Show a volume of a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({ volumeAttachment: view(call, await getAttachedVolume(call.ctx, both(call))) }),
  },
  {
    ...item,
    name: 'servers.volumes.update',
    method: 'PUT',
    summary: 'Exchange a volume of a server for another one (refused)',
    status: 400,
    access: 'admin',
    except: { stranger: 'not_found' },
    deviation:
      'Always a 400 for administrators, after the same checks; anybody else gets the 403 of Nova. Version 2.85, by which delete_on_termination is changed here, is not offered: the highest version promises all below, and this cloud neither caches images on hosts (2.81) nor binds accelerators (2.82). The portal changes it.',
    handle: refuseExchange,
  },
  {
    ...item,
    name: 'servers.volumes.delete',
    method: 'DELETE',
    summary: 'Detach a volume from a server',
    status: 202,
    access: 'write',
    handle: (call) => orInvalid(detachVolume(call.ctx, both(call))),
  },
]
