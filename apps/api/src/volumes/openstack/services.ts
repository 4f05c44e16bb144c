import { z } from 'zod'
import { findMachines, type Machine } from '../../hosts/service.ts'
import { authorize } from '../../kernel/policy.ts'
import { HttpError } from '../../openstack/errors.ts'
import { micros } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { boolean, parse } from '../../openstack/schema.ts'
import { poolUpdateInput } from '../contract.ts'
import { type PlainPool, plainPools } from '../pools/list.ts'
import { updatePool } from '../pools/service.ts'

const [binary, backupBinary] = ['cinder-volume', 'cinder-backup']
const backend = '@local'
/** Each host keeps the volumes on its own disk, as one service of Cinder would, and makes backups. */
async function services(call: Call): Promise<object> {
  const [host, wanted] = [queryText(call.query, 'host'), queryText(call.query, 'binary')]
  const machines = await findMachines(call.ctx, host === undefined ? {} : { name: host.split('@', 1)[0] })
  const pools = await plainPools(call.ctx)
  const others = pools.filter((pool) => !pool.isLocal)
  const diskOf = ({ id }: Machine) => pools.find((pool) => pool.isLocal && pool.host?.id === id)
  const seenAt = (pool: PlainPool) => machines.find(({ id }) => id === pool.host?.id)?.lastSeenAt ?? null
  const all = [
    ...machines
      .filter(({ name }) => host === undefined || [name, name + backend].includes(host))
      .map((machine) => serviceOf(call, diskService(machine, diskOf(machine)))),
    ...others
      .filter(({ name }) => host === undefined || name === host)
      .map((pool) =>
        serviceOf(call, {
          ...{ host: pool.name, zone: pool.zone ?? '', enabled: pool.enabled, lastSeenAt: seenAt(pool) },
          ...{
            up: pool.closed === null || !pool.enabled,
            ...{ disabledReason: pool.disabledReason, frozen: pool.frozen },
          },
        }),
      ),
    ...machines
      .filter(({ name }) => host === undefined || name === host)
      .map((machine) => serviceOf(call, { ...machine, host: machine.name }, backupBinary)),
  ]
  return { services: all.filter((one) => wanted === undefined || one.binary === wanted) }
}

/** The service on the disk of a machine, which is closed when the machine or the disk is. */
const diskService = (machine: Machine, disk: PlainPool | undefined) => ({
  ...machine,
  host: machine.name + backend,
  enabled: machine.enabled && disk?.enabled !== false,
  disabledReason: disk?.disabledReason ?? machine.disabledReason,
  frozen: disk?.frozen ?? false,
})

type Service = {
  host: string
  zone: string
  enabled: boolean
  up: boolean
  lastSeenAt: Date | null
  disabledReason: string | null
  frozen?: boolean
}
const serviceOf = ({ minor }: Call, one: Service, of = binary) => ({
  binary: of,
  host: one.host,
  zone: one.zone,
  status: one.enabled ? 'enabled' : 'disabled',
  state: one.up ? 'up' : 'down',
  updated_at: micros(one.lastSeenAt),
  disabled_reason: one.disabledReason,
  ...(of === binary
    ? { replication_status: 'disabled', active_backend_id: null, frozen: one.frozen ?? false }
    : {}),
  ...(minor >= 7 ? { cluster: null } : {}),
  ...(minor >= 49 && of === binary ? { backend_state: one.up ? 'up' : 'down' } : {}),
})

const text = z.string().max(255, 'is too long').nullish()
const wish = z.strictObject({
  host: z.string().min(1, "'' is too short").max(255, 'is too long'),
  binary: text,
  service: text,
  disabled_reason: text,
})
const withReason = wish.extend({
  disabled_reason: z.string().min(1, "'' is too short").max(255, 'is too long'),
})
const freezing = wish.pick({ host: true }).extend({ cluster: text })

/** Opens and closes a pool. Cinder ignores a reason here: it has a request of its own for that. */
const setEnabled = (enabled: boolean) => (call: Call) => {
  authorize(call.ctx, 'volumePool:update')
  return change(call, parse(wish, call.body), { enabled })
}

async function disableWithReason(call: Call): Promise<object> {
  authorize(call.ctx, 'volumePool:update')
  const asked = parse(withReason, call.body)
  const { disabled_reason: disabledReason } = asked
  const body = await change(call, asked, { enabled: false, disabledReason })
  return { ...body, disabled_reason: disabledReason }
}

async function change(
  { ctx }: Call,
  { host, ...of }: z.output<typeof wish>,
  patch: { enabled: boolean; disabledReason?: string },
): Promise<object> {
  const asked = of.binary || of.service || binary
  if (asked !== binary) throw new HttpError(404, `Service ${asked} could not be found on host ${host}.`)
  const { enabled } = await updatePool(ctx, poolUpdateInput.parse({ name: poolOf(host), ...patch }))
  return { binary, host, service: '', disabled: !enabled, status: enabled ? 'enabled' : 'disabled' }
}

/** "host@backend#pool": the name of a pool of ours is the part before #. */
const poolOf = (host: string): string => host.split('#', 1)[0] ?? host

/** Cinder closes a frozen service with this reason. Its answer is the word null, which clients read as no thing. */
const setFrozen = (frozen: boolean) => async (call: Call) => {
  authorize(call.ctx, 'volumePool:update')
  const { host, cluster } = parse(freezing, call.body)
  if (cluster != null) throw noCluster(cluster)
  const patch = frozen ? { enabled: false, disabledReason: 'frozen' } : { enabled: true }
  await updatePool(call.ctx, poolUpdateInput.parse({ name: poolOf(host), ...patch }), { frozen })
  call.reply.header('content-type', 'application/json; charset=utf-8')
  return 'null'
}

const authorized =
  (handle: (call: Call) => object): ApiOperation['handle'] =>
  (call) => {
    authorize(call.ctx, 'volumePool:update')
    return handle(call)
  }
const refuseReplication = authorized(() => {
  throw new HttpError(400, 'The pools of this cloud are not replicated: nothing fails over to another place.')
})
const refuseLevel = authorized(() => {
  throw new HttpError(400, 'The level of the logs of this cloud is a setting of its processes.')
})
const noCluster = (name: string) =>
  new HttpError(404, `Cluster {'name': '${name.slice(0, 100)}'} could not be found.`)
const cluster = z.strictObject({ name: z.string().min(1).max(255), binary: text, disabled_reason: text })
const refuseCluster = authorized((call) => {
  throw noCluster(parse(cluster, call.body).name)
})

const cleanup = z.strictObject({
  ...{ cluster_name: text, host: text, binary: text, resource_type: text, resource_id: text },
  ...{ service_id: z.int().nullish(), is_up: boolean.nullish(), disabled: boolean.nullish() },
})

const put = { method: 'PUT', status: 200, access: 'admin' } as const
const closing = 'The disk of a machine that Nova’s services have closed takes no new volumes, either.'
const notReplicated = 'Always refused (400): nothing is replicated.'
const refusal = { ...put, status: 400, deviation: notReplicated, handle: refuseReplication } as const
const clusters = { since: 7, deviation: 'There are none.' } as const
export const serviceOperations: ApiOperation[] = [
  {
    name: 'services.list',
    method: 'GET',
    path: '/os-services',
    summary: 'List the services that keep volumes',
    status: 200,
    access: 'adminRead',
    filters: { host: 'nowhere', binary: 'cinder-nothing' },
    deviation: 'cinder-volume, one a pool, and cinder-backup, one a host.',
    handle: services,
  },
  {
    ...put,
    name: 'services.enable',
    path: '/os-services/enable',
    summary: 'Let new volumes lie in a pool',
    deviation: closing,
    handle: setEnabled(true),
  },
  {
    ...put,
    name: 'services.disable',
    path: '/os-services/disable',
    summary: 'Let no new volumes lie in a pool',
    deviation: closing,
    handle: setEnabled(false),
  },
  {
    ...put,
    name: 'services.disable-log-reason',
    path: '/os-services/disable-log-reason',
    summary: 'Let no new volumes lie in a pool, with a reason',
    deviation: closing,
    handle: disableWithReason,
  },
  {
    ...put,
    name: 'services.get-log',
    path: '/os-services/get-log',
    since: 32,
    summary: 'List the levels of logs of services',
    deviation: 'No service has levels that a client can change.',
    handle: authorized(() => ({ log_levels: [] })),
  },
  {
    ...{ ...put, status: 400 },
    name: 'services.set-log',
    path: '/os-services/set-log',
    since: 32,
    summary: 'Change the level of the log of services (refused)',
    deviation: 'Always refused (400): the level is a setting of the processes.',
    handle: refuseLevel,
  },
  {
    ...put,
    name: 'services.freeze',
    path: '/os-services/freeze',
    summary: 'Let no new volumes lie in a pool, as frozen',
    deviation: `What lies in the pool can be changed all the same, and enabling the pool thaws it. ${closing}`,
    handle: setFrozen(true),
  },
  {
    ...put,
    name: 'services.thaw',
    path: '/os-services/thaw',
    summary: 'Let new volumes lie in a frozen pool again',
    deviation: closing,
    handle: setFrozen(false),
  },
  {
    ...{ ...refusal, name: 'services.failover_host', path: '/os-services/failover_host' },
    summary: 'Let the replica of a host take over (refused)',
  },
  {
    ...{ ...refusal, name: 'services.failover', path: '/os-services/failover', since: 26 },
    summary: 'Let the replica of a cluster take over (refused)',
  },
  ...['', '/detail'].map(
    (path): ApiOperation => ({
      ...clusters,
      name: path === '' ? 'clusters.list' : 'clusters.detail',
      method: 'GET',
      path: `/clusters${path}`,
      summary: `List clusters of services${path === '' ? '' : ', with details'}`,
      status: 200,
      access: 'adminRead',
      handle: (call) => {
        authorize(call.ctx, 'volumePool:list')
        return { clusters: [] }
      },
    }),
  ),
  {
    ...clusters,
    name: 'clusters.get',
    method: 'GET',
    path: '/clusters/:name',
    names: ['name'],
    summary: 'Show a cluster of services (never found)',
    status: 404,
    access: 'adminRead',
    handle: ({ ctx, params }) => {
      authorize(ctx, 'volumePool:list')
      throw noCluster(params.name ?? '')
    },
  },
  ...(['enable', 'disable'] as const).map(
    (verb): ApiOperation => ({
      ...{ ...clusters, ...put, status: 404 },
      name: `clusters.${verb}`,
      path: `/clusters/${verb}`,
      summary: `${verb === 'enable' ? 'Open' : 'Close'} a cluster of services (never found)`,
      handle: refuseCluster,
    }),
  ),
  {
    name: 'workers.cleanup',
    method: 'POST',
    path: '/workers/cleanup',
    since: 24,
    summary: 'Ask services to end what has stopped halfway',
    status: 202,
    access: 'admin',
    deviation:
      'The answer is always empty, because reconcilers and workers do this all the time without being asked.',
    handle: authorized((call) => {
      parse(cleanup, call.body)
      return { cleaning: [], unavailable: [] }
    }),
  },
]
