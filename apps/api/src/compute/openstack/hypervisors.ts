import { findMachines, type Machine, type MachineQuery, uptimeOf } from '../../hosts/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, queryText, refuseCut } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'
import { at } from './fields.ts'
import { machineOf } from './machines.ts'

const what = 'Hypervisor'
const serversOf = (m: Machine) => m.instances.map(({ id, name }) => ({ name, uuid: id }))

const brief: Field<Machine>[] = [
  { name: 'id', until: 52, of: (m) => m.number },
  { name: 'id', since: 53, of: (m) => m.id },
  { name: 'hypervisor_hostname', of: (m) => m.name },
  { name: 'state', of: (m) => (m.up ? 'up' : 'down') },
  { name: 'status', of: (m) => (m.enabled ? 'enabled' : 'disabled') },
]
const cpu = (m: Machine) => ({
  arch: 'x86_64',
  model: m.cpuModel,
  vendor: m.cpuModel.split(' ')[0]?.replace(/\(.*/, '') ?? '',
  features: [],
  topology: { sockets: 1, cores: m.vcpus.total, threads: 1 },
})
/** "7.2.22" → 7002022, as libvirt counts. */
const versionNumber = (text: string) => {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return major * 1_000_000 + minor * 1000 + patch
}
const memoryUsed = (m: Machine) => m.memoryMib.used + m.memoryMib.reserved

const detailed: Field<Machine>[] = [
  ...brief,
  { name: 'hypervisor_type', of: (m) => m.hypervisor || 'QEMU' },
  { name: 'hypervisor_version', of: (m) => versionNumber(m.version) },
  { name: 'host_ip', of: () => '127.0.0.1' },
  { name: 'vcpus', of: (m) => m.vcpus.total },
  { name: 'memory_mb', of: (m) => m.memoryMib.total },
  { name: 'local_gb', of: (m) => m.diskGib.total },
  { name: 'vcpus_used', of: (m) => m.vcpus.used },
  { name: 'memory_mb_used', of: memoryUsed },
  { name: 'local_gb_used', of: (m) => m.diskGib.used },
  { name: 'free_ram_mb', of: (m) => m.memoryMib.total - memoryUsed(m) },
  { name: 'free_disk_gb', of: (m) => m.diskGib.total - m.diskGib.used },
  { name: 'current_workload', of: (m) => m.busy },
  { name: 'running_vms', of: (m) => m.running },
  { name: 'disk_available_least', of: (m) => m.diskGib.total - m.diskGib.used },
  { name: 'cpu_info', until: 27, of: (m) => JSON.stringify(cpu(m)) },
  { name: 'cpu_info', since: 28, of: cpu },
  {
    name: 'service',
    of: (m, { minor }) => ({
      host: m.name,
      id: minor >= 53 ? m.id : m.number,
      disabled_reason: m.disabledReason,
    }),
  },
]
/** The servers of a machine: since 2.53 on request, and only when there are any. */
const servers: Field<Machine> = {
  name: 'servers',
  of: (m) => (m.instances.length === 0 ? undefined : serversOf(m)),
}

async function list(call: Call, fields: Field<Machine>[]): Promise<object> {
  const { minor, query } = call
  const wish: MachineQuery = {}
  if (minor >= 53) {
    wish.namePart = queryText(query, 'hypervisor_hostname_pattern')
    wish.withInstances = queryBoolean(query, 'with_servers') ?? false
    if (
      wish.namePart !== undefined &&
      (queryText(query, 'limit') ?? queryText(query, 'marker')) !== undefined
    )
      throw new HttpError(
        400,
        'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.',
      )
  }
  const { limit, marker } = minor >= 33 ? pageQuery(query) : { limit: 1000, marker: undefined }
  if (marker !== undefined) wish.after = (await machineOf(call, marker, what)).number
  const machines = await findMachines(call.ctx, { ...wish, limit: limit + 1 })
  if (minor < 33) refuseCut(machines.length > limit, limit, '2.33')
  if (wish.namePart !== undefined && machines.length === 0)
    throw new HttpError(404, `No hypervisor matching '${wish.namePart.slice(0, 100)}' could be found.`)
  const shown = machines.slice(0, limit)
  const last = shown.at(-1)
  const next = minor >= 53 ? last?.id : String(last?.number)
  return {
    hypervisors: shown.map((m) => shape(wish.withInstances ? [...fields, servers] : fields, m, at(call))),
    ...(minor >= 33 && machines.length > limit && next !== undefined
      ? {
          hypervisors_links: [
            { rel: 'next', href: nextLink(call.deps.config.publicUrl, call.request.url, next) },
          ],
        }
      : {}),
  }
}

async function statistics(call: Call): Promise<object> {
  const all = await findMachines(call.ctx)
  const sum = (of: (m: Machine) => number) => all.reduce((total, m) => total + of(m), 0)
  return {
    hypervisor_statistics: {
      count: all.length,
      vcpus: sum((m) => m.vcpus.total),
      memory_mb: sum((m) => m.memoryMib.total),
      local_gb: sum((m) => m.diskGib.total),
      vcpus_used: sum((m) => m.vcpus.used),
      memory_mb_used: sum(memoryUsed),
      local_gb_used: sum((m) => m.diskGib.used),
      free_ram_mb: sum((m) => m.memoryMib.total - memoryUsed(m)),
      free_disk_gb: sum((m) => m.diskGib.total - m.diskGib.used),
      current_workload: sum((m) => m.busy),
      running_vms: sum((m) => m.running),
      disk_available_least: sum((m) => m.diskGib.total - m.diskGib.used),
    },
  }
}

/** The search by a part of the name before 2.53, with or without the instances. */
const search = (name: string, path: string, withInstances: boolean): ApiOperation => ({
  name,
  method: 'GET',
  path,
  names: ['pattern'],
  summary: withInstances ? 'List the servers of hypervisors by name' : 'Search hypervisors by name',
  status: 200,
  access: 'adminRead',
  until: 52,
  handle: async (call) => {
    const pattern = call.params.pattern ?? ''
    const found = await findMachines(call.ctx, { namePart: pattern, withInstances })
    if (found.length === 0)
      throw new HttpError(404, `No hypervisor matching '${pattern.slice(0, 100)}' could be found.`)
    const fields = withInstances ? [...brief, servers] : brief
    return { hypervisors: found.map((m) => shape(fields, m, at(call))) }
  },
})

const filters = { hypervisor_hostname_pattern: 'nothing' }
const item = { path: '/os-hypervisors/:id', names: ['id'] }
export const hypervisorOperations: ApiOperation[] = [
  {
    name: 'hypervisors.list',
    method: 'GET',
    path: '/os-hypervisors',
    summary: 'List hypervisors',
    status: 200,
    access: 'adminRead',
    filters,
    handle: (call) => list(call, brief),
  },
  {
    name: 'hypervisors.detail',
    method: 'GET',
    path: '/os-hypervisors/detail',
    summary: 'List hypervisors with details',
    status: 200,
    access: 'adminRead',
    filters,
    deviation: 'cpu_info names model and number of processors; their features are not told (an empty list).',
    handle: (call) => list(call, detailed),
  },
  {
    name: 'hypervisors.statistics',
    method: 'GET',
    path: '/os-hypervisors/statistics',
    summary: 'Show what all hypervisors have together',
    status: 200,
    access: 'adminRead',
    handle: statistics,
  },
  search('hypervisors.search', '/os-hypervisors/:pattern/search', false),
  search('hypervisors.servers', '/os-hypervisors/:pattern/servers', true),
  {
    ...item,
    name: 'hypervisors.get',
    method: 'GET',
    summary: 'Show a hypervisor',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const wanted = call.minor >= 53 && (queryBoolean(call.query, 'with_servers') ?? false)
      const machine = await machineOf(call, call.params.id ?? '', what, wanted)
      return { hypervisor: shape(wanted ? [...detailed, servers] : detailed, machine, at(call)) }
    },
  },
  {
    ...item,
    name: 'hypervisors.uptime',
    path: '/os-hypervisors/:id/uptime',
    method: 'GET',
    summary: 'Show how long a hypervisor has been up',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const machine = await machineOf(call, call.params.id ?? '', what)
      const fields: Field<Machine>[] = [...brief, { name: 'uptime', of: () => uptime }]
      const uptime = await uptimeOf(call.ctx, machine.id)
      return { hypervisor: shape(fields, machine, at(call)) }
    },
  },
]
