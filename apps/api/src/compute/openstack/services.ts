import { z } from 'zod'
import {
  deleteHost,
  fenceHost,
  findMachines,
  type Machine,
  unfenceHost,
  updateHost,
} from '../../hosts/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { boolean, parse } from '../../openstack/schema.ts'
import { at } from './fields.ts'
import { machineOf } from './machines.ts'

const binary = 'nova-compute'
const fields: Field<Machine>[] = [
  { name: 'id', until: 52, of: (m) => m.number },
  { name: 'id', since: 53, of: (m) => m.id },
  { name: 'binary', of: () => binary },
  { name: 'host', of: (m) => m.name },
  { name: 'zone', of: (m) => m.zone },
  { name: 'status', of: (m) => (m.enabled ? 'enabled' : 'disabled') },
  { name: 'state', of: (m) => (m.up ? 'up' : 'down') },
  { name: 'updated_at', of: (m) => micros(m.lastSeenAt) },
  { name: 'disabled_reason', of: (m) => m.disabledReason },
  { name: 'forced_down', since: 11, of: (m) => m.fenced },
]

async function list(call: Call): Promise<object> {
  const wanted = queryText(call.query, 'binary')
  const host = queryText(call.query, 'host')
  const all = await findMachines(call.ctx, host === undefined ? {} : { name: host })
  return {
    services: wanted === undefined || wanted === binary ? all.map((m) => shape(fields, m, at(call))) : [],
  }
}

const reason = z.string().min(1).max(255)
const named = z.strictObject({ host: z.string().min(1).max(255), binary: z.string() })
const withReason = named.extend({ disabled_reason: reason })

async function byName(call: Call, wish: z.output<typeof named>): Promise<Machine> {
  const [machine] = await findMachines(call.ctx, { name: wish.host })
  if (!machine || wish.binary !== binary)
    throw new HttpError(404, `Could not find binary ${wish.binary.slice(0, 50)} on host ${wish.host}.`)
  return machine
}
const noReason = 'Disabled through the compute API.'

/** Makes PUT /os-services/{word}, until 2.52, which names the host. */
const old = (word: 'enable' | 'disable' | 'disable-log-reason'): ApiOperation => ({
  name: `services.${word}`,
  method: 'PUT',
  path: `/os-services/${word}`,
  summary: `${word === 'enable' ? 'Open' : 'Close'} a host for new servers, by its name`,
  status: 200,
  access: 'admin',
  until: 52,
  handle: async (call) => {
    const wish = parse(word === 'disable-log-reason' ? withReason : named, call.body) as z.output<
      typeof withReason
    >
    const { id } = await byName(call, wish)
    await updateHost(call.ctx, { id, enabled: word === 'enable', reason: wish.disabled_reason ?? noReason })
    return {
      service: {
        host: wish.host,
        binary,
        status: word === 'enable' ? 'enabled' : 'disabled',
        ...(word === 'disable-log-reason' ? { disabled_reason: wish.disabled_reason } : {}),
      },
    }
  },
})

const forced = named.extend({ forced_down: boolean })

async function force(call: Call, id: string, down: boolean): Promise<void> {
  await (down ? fenceHost : unfenceHost)(call.ctx, { id })
}

async function forceDown(call: Call): Promise<object> {
  const wish = parse(forced, call.body)
  const { id } = await byName(call, wish)
  await force(call, id, wish.forced_down)
  return { service: { host: wish.host, binary, forced_down: wish.forced_down } }
}

const change = z
  .strictObject({
    status: z.enum(['enabled', 'disabled']).optional(),
    disabled_reason: reason.optional(),
    forced_down: boolean.optional(),
  })
  .refine(
    (wish) => Object.keys(wish).length > 0,
    'No updates were requested. Fields status or forced_down should be specified.',
  )

async function update(call: Call): Promise<object> {
  const id = call.params.id ?? ''
  const wish = parse(change, call.body)
  if (wish.disabled_reason !== undefined && wish.status !== 'disabled')
    throw new HttpError(400, "Specifying disabled_reason requires that status is 'disabled'.")
  // The change that may be refused comes first.
  if (wish.forced_down !== undefined) await force(call, id, wish.forced_down)
  if (wish.status !== undefined)
    await updateHost(call.ctx, {
      id,
      enabled: wish.status === 'enabled',
      reason: wish.disabled_reason ?? noReason,
    })
  const [machine] = await findMachines(call.ctx, { id })
  if (!machine) throw new HttpError(404, `Compute service ${id} could not be found.`)
  return { service: shape(fields, machine, at(call)) }
}

async function remove(call: Call): Promise<undefined> {
  await deleteHost(call.ctx, await machineOf(call, call.params.id ?? '', 'Service'))
}

const refusedWhileUp =
  'forced_down is refused (409) while the host answers. It frees what deleted servers had there, so the machine must really be off.'

export const serviceOperations: ApiOperation[] = [
  {
    name: 'services.list',
    method: 'GET',
    path: '/os-services',
    summary: 'List compute services',
    status: 200,
    access: 'adminRead',
    filters: { host: 'nowhere', binary: 'nova-nothing' },
    deviation:
      'Only nova-compute, one a host: the other services of this cloud are no machines of their own.',
    handle: list,
  },
  old('enable'),
  old('disable'),
  old('disable-log-reason'),
  {
    name: 'services.force-down',
    method: 'PUT',
    path: '/os-services/force-down',
    summary: 'Declare that a host is off, or take that back, by its name',
    status: 200,
    access: 'admin',
    since: 11,
    until: 52,
    deviation: refusedWhileUp,
    handle: forceDown,
  },
  {
    name: 'services.update',
    method: 'PUT',
    path: '/os-services/:id',
    summary: 'Open or close a host for new servers, declare that it is off',
    status: 200,
    access: 'admin',
    since: 53,
    deviation: refusedWhileUp,
    handle: update,
  },
  {
    name: 'services.delete',
    method: 'DELETE',
    path: '/os-services/:id',
    names: ['id'],
    summary: 'Forget a host that is gone for good',
    status: 204,
    access: 'admin',
    deviation: 'Refused (409) while the host answers, too: its agent would write it down again.',
    handle: remove,
  },
]
