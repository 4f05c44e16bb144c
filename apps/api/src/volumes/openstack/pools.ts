import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import type { PoolView } from '../contract.ts'
import { isShareable } from '../pools/candidates.ts'
import { usagePool } from '../pools/cinder.ts'
import { listPools, type PlainPool, plainPools, suitedPools } from '../pools/list.ts'

/** "host@backend#pool", as Cinder names the pools of its back ends: each of ours is a back end with one pool. */
const cinderName = ({ name }: Pick<PlainPool, 'name'>): string => `${name}#${backendOf(name)}`
const backendOf = (name: string): string => name.slice(name.indexOf('@') + 1)
const protocolOf = ({ driver }: Pick<PlainPool, 'driver'>): string => (driver === 'rbd' ? 'ceph' : 'file')

const capabilitiesOf = (pool: PoolView) => ({
  volume_backend_name: backendOf(pool.name),
  storage_protocol: protocolOf(pool),
  vendor_name: 'Stratolith',
  driver_version: '1.0.0',
  total_capacity_gb: pool.capacityGib,
  // Of a pool that promises more than it has, the promises that are left, up to what it has.
  free_capacity_gb: Math.max(0, Math.min(pool.capacityGib, pool.totalGib - pool.usedGib)),
  allocated_capacity_gb: pool.volumesGib,
  provisioned_capacity_gb: pool.usedGib,
  max_over_subscription_ratio: pool.overcommit.toFixed(1),
  reserved_percentage: 0,
  thin_provisioning_support: true,
  thick_provisioning_support: false,
  multiattach: isShareable({ driver: pool.driver, isOfOne: pool.host !== null }),
  QoS_support: true,
  replication_enabled: false,
  timestamp: new Date().toISOString().slice(0, -1),
  backend_state: pool.closed === null ? 'up' : 'down',
  goodness_function: null,
  filter_function: null,
  location_info: null,
})

async function pools(call: Call): Promise<object> {
  const { ctx, query, minor } = call
  const type = minor >= 35 ? queryText(query, 'volume_type') : undefined
  const name = minor >= 28 ? queryText(query, 'name') : undefined
  const all = type === undefined ? await listPools(ctx) : await suitedPools(ctx, type)
  const detail = queryBoolean(query, 'detail') === true
  return {
    pools: all
      .filter((pool) => name === undefined || cinderName(pool) === name)
      .map((pool) => ({
        name: cinderName(pool),
        ...(detail ? { capabilities: capabilitiesOf(pool) } : {}),
      })),
  }
}

/** The pool of that name, with or without "#pool". Throws 404 for a name that no pool has. */
async function poolNamed({ ctx, params }: Call, what: string): Promise<PlainPool> {
  const name = params[what] ?? ''
  const found = (await plainPools(ctx)).find((pool) => pool.name === name || cinderName(pool) === name)
  if (!found) throw new HttpError(404, `Host ${name.slice(0, 255)} could not be found.`)
  return found
}

async function capabilities(call: Call): Promise<object> {
  const pool = await poolNamed(call, 'host')
  return {
    namespace: `OS::Storage::Capabilities::${pool.name}`,
    vendor_name: 'Stratolith',
    volume_backend_name: backendOf(pool.name),
    pool_name: backendOf(pool.name),
    driver_version: '1.0.0',
    storage_protocol: protocolOf(pool),
    display_name: pool.name,
    description: pool.description || null,
    visibility: 'public',
    replication_targets: [],
    properties: {
      thin_provisioning: flag('Thin Provisioning', 'Volumes take room as they are filled.'),
      qos: flag('QoS', 'The guest’s QEMU limits the speed.'),
    },
  }
}
const flag = (title: string, description: string) => ({ title, description, type: 'boolean' })

async function hosts({ ctx, query }: Call): Promise<object> {
  const zone = queryText(query, 'zone')
  const all = await plainPools(ctx)
  return {
    hosts: all
      .filter((pool) => zone === undefined || pool.zone === zone)
      .map((pool) => ({
        service: 'cinder-volume',
        host_name: pool.name,
        'service-status': pool.closed === null ? 'available' : 'unavailable',
        'service-state': pool.enabled ? 'enabled' : 'disabled',
        zone: pool.zone ?? '',
        'last-update': null,
      })),
  }
}

/** What lies in a pool, in all and of each project. */
async function host(call: Call): Promise<object> {
  const pool = await poolNamed(call, 'host')
  const rows = await usagePool(call.ctx, pool.name)
  const total = rows.reduce(
    (sum, row) => ({
      volumes: sum.volumes + row.volumes,
      volumeGib: sum.volumeGib + row.volumeGib,
      snapshots: sum.snapshots + row.snapshots,
      snapshotGib: sum.snapshotGib + row.snapshotGib,
    }),
    { volumes: 0, volumeGib: 0, snapshots: 0, snapshotGib: 0 },
  )
  return {
    host: [{ ...total, projectId: '(total)' }, ...rows].map((row) => ({
      resource: {
        host: pool.name,
        project: row.projectId,
        volume_count: String(row.volumes),
        total_volume_gb: String(row.volumeGib),
        snapshot_count: String(row.snapshots),
        total_snapshot_gb: String(row.snapshotGib),
      },
    })),
  }
}

const get = { method: 'GET', status: 200, access: 'adminRead' } as const
export const poolOperations: ApiOperation[] = [
  {
    ...get,
    name: 'pools.list',
    path: '/scheduler-stats/get_pools',
    summary: 'List the pools in which volumes lie, with their room',
    deviation:
      'Each pool of this cloud is a back end of its own with one pool. free_capacity_gb says how much can still be promised, up to what the pool has.',
    handle: pools,
  },
  {
    ...get,
    name: 'capabilities.get',
    path: '/capabilities/:host',
    names: ['host'],
    summary: 'Show what a pool can do',
    handle: capabilities,
  },
  {
    ...get,
    name: 'hosts.list',
    path: '/os-hosts',
    summary: 'List the pools as hosts of cinder-volume',
    deviation: 'last-update is null: os-services has it.',
    handle: hosts,
  },
  {
    ...get,
    name: 'hosts.get',
    path: '/os-hosts/:host',
    names: ['host'],
    summary: 'Count what lies in a pool, by project',
    handle: host,
  },
]
