import { z } from 'zod'
import { HttpError } from '../../../openstack/errors.ts'
import { links } from '../../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { queryText } from '../../../openstack/pages.ts'
import { inner, parse, queryBoolean } from '../../../openstack/schema.ts'
import { at } from '../../openstack/at.ts'
import { type QosView, qosConsumerInput, qosCreateInput, specKeyInput, specsInput } from '../contract.ts'
import {
  associateQos,
  createQos,
  deleteQos,
  disassociateQos,
  getQos,
  listQos,
  removeQosKeys,
  setQos,
} from '../qos.ts'

const qosOf = ({ params }: Call) => ({ id: params.qos_id ?? '' })
const view = ({ id, name, consumer, specs }: QosView) => ({ id, name, consumer, specs })
const shown = (call: Call, qos: QosView) => ({
  qos_specs: view(qos),
  links: links(at(call), `qos-specs/${qos.id}`),
})

/** Cinder writes the specs beside the name and the consumer. */
const given = { consumer: qosConsumerInput.optional() }
const specsIn = (rest: Record<string, unknown>) => parse(specsInput, rest)

async function create(call: Call): Promise<object> {
  const { name, consumer, ...rest } = inner(
    call,
    'qos_specs',
    z.looseObject({ name: z.string().max(255, 'is too long'), ...given }),
  )
  const input = parse(qosCreateInput, { name, consumer, specs: specsIn(rest) })
  return shown(call, await createQos(call.ctx, input))
}

async function update(call: Call): Promise<object> {
  const wish = inner(call, 'qos_specs', z.looseObject(given))
  const { consumer, ...rest } = wish
  await setQos(call.ctx, { ...qosOf(call), consumer, specs: specsIn(rest) })
  return { qos_specs: wish }
}

/** The type that a request names in its query, because these requests are GETs. */
function typeAsked({ query }: Call): string {
  const id = queryText(query, 'vol_type_id')
  if (id === undefined) throw new HttpError(400, 'Volume Type id must not be None.')
  if (!z.uuid().safeParse(id).success)
    throw new HttpError(404, `Volume type ${id.slice(0, 100)} could not be found.`)
  return id
}

async function remove(call: Call): Promise<void> {
  const force = queryText(call.query, 'force') === undefined ? false : queryBoolean(call.query, 'force')
  if (force === undefined) throw new HttpError(400, 'Invalid value for force: it is true or false.')
  await deleteQos(call.ctx, { ...qosOf(call), force })
}

const item = { path: '/qos-specs/:qos_id' }
const reads = { method: 'GET', status: 200, access: 'adminRead' } as const
/** Cinder changes associations by GET. */
const changes = { method: 'GET', status: 202, access: 'admin' } as const
const meaning =
  'For the consumers front-end and both, the limits of the guest (total/read/write of iops_sec and bytes_sec with _max, _per_gb and _per_gb_min, and size_iops_sec) must be possible (400), and running guests get them at once. No storage of this cloud carries out those of back-end.'
export const qosOperations: ApiOperation[] = [
  {
    ...reads,
    name: 'qos.list',
    path: '/qos-specs',
    summary: 'List QoS specs',
    deviation: 'Always all of them, in the order of their names.',
    handle: async ({ ctx }) => ({ qos_specs: (await listQos(ctx)).map(view) }),
  },
  {
    name: 'qos.create',
    method: 'POST',
    path: '/qos-specs',
    summary: 'Make QoS specs',
    status: 200,
    access: 'admin',
    deviation: meaning,
    handle: create,
  },
  {
    ...reads,
    ...item,
    name: 'qos.get',
    summary: 'Show QoS specs',
    handle: async (call) => shown(call, await getQos(call.ctx, qosOf(call))),
  },
  {
    ...item,
    name: 'qos.update',
    method: 'PUT',
    summary: 'Set keys of QoS specs',
    status: 200,
    access: 'admin',
    deviation: meaning,
    handle: update,
  },
  {
    ...item,
    name: 'qos.delete',
    method: 'DELETE',
    summary: 'Delete QoS specs',
    status: 202,
    access: 'admin',
    handle: remove,
  },
  {
    path: '/qos-specs/:qos_id/delete_keys',
    name: 'qos.delete_keys',
    method: 'PUT',
    summary: 'Remove keys of QoS specs',
    status: 202,
    access: 'admin',
    handle: async (call) => {
      const { keys } = parse(z.strictObject({ keys: z.array(specKeyInput).max(128) }), call.body)
      await removeQosKeys(call.ctx, { ...qosOf(call), keys })
    },
  },
  {
    ...reads,
    path: '/qos-specs/:qos_id/associations',
    name: 'qos.associations',
    summary: 'List the volume types that have QoS specs',
    handle: async (call) => ({
      qos_associations: (await getQos(call.ctx, qosOf(call))).types.map(({ id, name }) => ({
        association_type: 'volume_type',
        name,
        id,
      })),
    }),
  },
  {
    ...changes,
    path: '/qos-specs/:qos_id/associate',
    name: 'qos.associate',
    summary: 'Give a volume type QoS specs',
    handle: (call) => associateQos(call.ctx, { ...qosOf(call), typeId: typeAsked(call) }),
  },
  {
    ...changes,
    path: '/qos-specs/:qos_id/disassociate',
    name: 'qos.disassociate',
    summary: 'Take QoS specs from a volume type',
    handle: (call) => disassociateQos(call.ctx, { ...qosOf(call), typeId: typeAsked(call) }),
  },
  {
    ...changes,
    path: '/qos-specs/:qos_id/disassociate_all',
    name: 'qos.disassociate_all',
    summary: 'Take QoS specs from all volume types',
    handle: (call) => disassociateQos(call.ctx, { ...qosOf(call), typeId: null }),
  },
]
