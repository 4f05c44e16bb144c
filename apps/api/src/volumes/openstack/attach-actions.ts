import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import { demandChangeable } from '../attachment-list.ts'
import { announceDetachment, reserveVolume, takeBackAnnouncement, unreserveVolume } from '../reservations.ts'
import { forceDetachVolume } from '../service.ts'
import { action } from './actions.ts'
import { volumeOf } from './at.ts'
import { connectedByHosts, usedBy } from './attachments.ts'

/**
 * The actions by which Nova attached volumes before the attachments of 3.27, and other services still do. They may keep a
 * volume from others. What would give a volume to somebody outside of the cloud's compute, or take one from a guest that
 * still writes to it, is refused (A18).
 */

const text = z.string().max(255, 'is too long').nullish()
const attachment = z.strictObject({
  instance_uuid: z.uuid('is not a uuid').nullish(),
  host_name: text,
  mountpoint: text,
  mode: z.enum(['rw', 'ro'], 'is rw or ro').nullish(),
})

async function refuseToAttach(call: Call): Promise<never> {
  const wish = parse(attachment, call.body)
  await demandChangeable(call.ctx, volumeOf(call).id)
  if (!wish.instance_uuid && !wish.host_name)
    throw new HttpError(400, 'Invalid request to attach volume to an invalid target.')
  throw connectedByHosts()
}

const connection = z.strictObject({ connector: z.record(z.string(), z.unknown()) })

async function refuseConnection(call: Call): Promise<never> {
  parse(connection, call.body)
  await demandChangeable(call.ctx, volumeOf(call).id)
  throw connectedByHosts()
}

/** Nothing outside of the cloud is ever connected, so that there is nothing to end unless a server uses the volume. */
async function endConnection(call: Call): Promise<void> {
  parse(connection, call.body)
  const { attachments } = await demandChangeable(call.ctx, volumeOf(call).id)
  const [used] = attachments
  if (used) throw usedBy(used.instanceId)
  call.reply.status(202)
}

const detachment = z
  .strictObject({
    attachment_id: z.uuid('is not a uuid').nullish(),
    connector: z.record(z.string(), z.unknown()).nullish(),
  })
  .nullish()

async function refuseToDetach(call: Call): Promise<never> {
  const wish = parse(detachment, call.body)
  const { attachments } = await demandChangeable(call.ctx, volumeOf(call).id)
  const id = wish?.attachment_id
  const used = attachments.find((one) => id == null || one.id === id)
  if (used) throw usedBy(used.instanceId)
  if (id != null) throw new HttpError(404, `Volume attachment ${id} could not be found.`)
  throw new HttpError(
    400,
    "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
  )
}

async function forceDetach(call: Call): Promise<void> {
  const wish = parse(detachment, call.body)
  await forceDetachVolume(call.ctx, { ...volumeOf(call), attachmentId: wish?.attachment_id ?? undefined })
}

const deviation =
  'Always refused (409 after the same checks): only the Compute API attaches and detaches, so that a volume never has a second owner.'
export const attachActionOperations: ApiOperation[] = [
  action('os-reserve', {
    summary: 'Keep a volume from others, as attaching',
    run: (call) => reserveVolume(call.ctx, volumeOf(call)),
  }),
  action('os-unreserve', {
    summary: 'End what os-reserve has begun',
    run: (call) => unreserveVolume(call.ctx, volumeOf(call)),
  }),
  action('os-begin_detaching', {
    summary: 'Say that a volume is about to be detached',
    deviation: 'The server keeps the volume, and the Compute API may detach it.',
    run: (call) => announceDetachment(call.ctx, volumeOf(call)),
  }),
  action('os-roll_detaching', {
    summary: 'Take back what os-begin_detaching has said',
    deviation: 'Refused (400) while the Compute API is taking the volume from a server.',
    run: (call) => takeBackAnnouncement(call.ctx, volumeOf(call)),
  }),
  action('os-attach', {
    ...{ status: 409, deviation, summary: 'Give a volume to a server or a host (refused)' },
    run: refuseToAttach,
  }),
  action('os-detach', {
    ...{ status: 409, deviation, summary: 'Take a volume from a server (refused)' },
    run: refuseToDetach,
  }),
  action('os-initialize_connection', {
    ...{ status: 409, deviation, summary: 'Tell a host how to reach a volume (refused)' },
    run: refuseConnection,
  }),
  action('os-terminate_connection', {
    status: 409,
    summary: 'End the connection of a host to a volume (refused while a server has it)',
    deviation: 'Nothing outside of the cloud is connected, so that there is nothing to end (202) otherwise.',
    run: endConnection,
  }),
  action('os-force_detach', {
    summary: 'Take a volume from a server that has it stuck, or that is gone',
    ...{ access: 'admin', except: { stranger: 'not_found' } },
    deviation:
      'A server gives the volume up as by the Compute API, so that the volume stays with the server until the guest has let go. From a server that is gone it is taken at once, and refused (400) while a machine may still have the guest: a volume never has a second owner.',
    run: forceDetach,
  }),
]
