import { type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { type Diagnostics, diagnosticsOf } from '../instances/diagnostics.ts'
import { at } from './fields.ts'

const states: Record<string, string> = { active: 'running', paused: 'paused' }

/**
 * The format since 2.48, which is the same for all hypervisors. A null stands for a value that this cloud does not
 * count, as the specification allows.
 */
const fields: Field<Diagnostics>[] = [
  { name: 'state', of: (d) => states[d.row.vmState] ?? 'pending' },
  { name: 'driver', of: () => 'libvirt' },
  { name: 'hypervisor', of: (d) => (d.accelerator === 'kvm' ? 'kvm' : 'qemu') },
  { name: 'hypervisor_os', of: () => 'linux' },
  { name: 'uptime', of: (d) => d.uptimeSeconds },
  { name: 'config_drive', of: (d) => d.row.configDrive },
  { name: 'num_cpus', of: (d) => d.cpus.length },
  { name: 'num_nics', of: (d) => d.macs.length },
  { name: 'num_disks', of: (d) => d.disks.length },
  {
    name: 'cpu_details',
    of: (d) => d.cpus.map(({ id, timeNs }) => ({ id, time: timeNs, utilisation: null })),
  },
  {
    name: 'nic_details',
    of: (d) =>
      d.macs.map((mac_address) => ({
        mac_address,
        rx_octets: null,
        rx_errors: null,
        rx_drop: null,
        rx_packets: null,
        rx_rate: null,
        tx_octets: null,
        tx_errors: null,
        tx_drop: null,
        tx_packets: null,
        tx_rate: null,
      })),
  },
  {
    name: 'disk_details',
    of: (d) =>
      d.disks.map((disk) => ({
        read_bytes: disk.readBytes,
        read_requests: disk.readRequests,
        write_bytes: disk.writeBytes,
        write_requests: disk.writeRequests,
        errors_count: disk.errors,
      })),
  },
  { name: 'memory_details', of: (d) => ({ maximum: d.row.memoryMib, used: null }) },
]

/** The format before 2.48: the counters of libvirt, each under a key of its own. */
function old(d: Diagnostics): Record<string, number> {
  const body: Record<string, number> = { memory: d.row.memoryMib * 1024 }
  for (const { id, timeNs } of d.cpus) body[`cpu${id}_time`] = timeNs
  d.disks.forEach((disk, index) => {
    const name = `vd${String.fromCharCode(97 + index)}`
    body[`${name}_read`] = disk.readBytes
    body[`${name}_read_req`] = disk.readRequests
    body[`${name}_write`] = disk.writeBytes
    body[`${name}_write_req`] = disk.writeRequests
    body[`${name}_errors`] = disk.errors
  })
  return body
}

const id = (call: Call) => ({ id: call.params.server_id ?? '' })
export const diagnosticsOperations: ApiOperation[] = [
  {
    name: 'servers.diagnostics',
    method: 'GET',
    path: '/servers/:server_id/diagnostics',
    summary: 'Show the counters of a running server',
    status: 200,
    access: 'admin',
    except: { stranger: 'not_found' },
    deviation:
      'Network counters, memory in use and the share of processor time are not counted (null; before 2.48 left out).',
    handle: async (call) => {
      const found = await diagnosticsOf(call.ctx, id(call))
      return call.minor >= 48 ? shape(fields, found, at(call)) : old(found)
    },
  },
]
