import { z } from 'zod'
import { findMachines, type Machine, updateHost } from '../../hosts/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { parse } from '../../openstack/schema.ts'
import { takenByProject } from '../instances/usage.ts'

/** Operations on hosts by their names, before 2.43, and on the audit of their usage. */

async function list(call: Call): Promise<object> {
  const zone = queryText(call.query, 'zone') || undefined
  const all = await findMachines(call.ctx)
  return {
    hosts: all
      .filter((m) => m.enabled && (zone === undefined || m.zone === zone))
      .map((m) => ({ host_name: m.name, service: 'compute', zone: m.zone })),
  }
}

async function machineNamed(call: Call): Promise<Machine> {
  const name = call.params.name ?? ''
  const [machine] = await findMachines(call.ctx, { name })
  if (!machine) throw new HttpError(404, `Compute host ${name.slice(0, 100)} could not be found.`)
  return machine
}

type Amounts = { vcpus: number; memoryMib: number; diskGib: number }
async function show(call: Call): Promise<object> {
  const machine = await machineNamed(call)
  const taken = await takenByProject(call.ctx, machine.id)
  const row = (project: string, { vcpus, memoryMib, diskGib }: Amounts) => ({
    resource: { host: machine.name, project, cpu: vcpus, memory_mb: memoryMib, disk_gb: diskGib },
  })
  const sum = (of: keyof Amounts) => taken.reduce((total, one) => total + one[of], 0)
  const { vcpus, memoryMib, diskGib } = machine
  return {
    host: [
      row('(total)', { vcpus: vcpus.total, memoryMib: memoryMib.total, diskGib: diskGib.total }),
      row('(used_now)', {
        vcpus: vcpus.used,
        memoryMib: memoryMib.used + memoryMib.reserved,
        diskGib: diskGib.used,
      }),
      row('(used_max)', { vcpus: sum('vcpus'), memoryMib: sum('memoryMib'), diskGib: sum('diskGib') }),
      ...taken.map((one) => row(one.projectId, one)),
    ],
  }
}

const word = z.preprocess(
  (v) => (typeof v === 'string' ? v.trim().toLowerCase() : v),
  z.enum(['enable', 'disable']),
)
const change = z
  .strictObject({ status: word.optional(), maintenance_mode: word.optional() })
  .refine((wish) => Object.keys(wish).length > 0, 'names neither status nor maintenance_mode')

async function update(call: Call): Promise<object> {
  const wish = parse(change, call.body)
  const { id, name } = await machineNamed(call)
  if (wish.status === undefined || wish.maintenance_mode !== undefined)
    throw new HttpError(
      400,
      'maintenance_mode moves guests to another host, which this cloud does not do. Set status to disable.',
    )
  const enabled = wish.status === 'enable'
  await updateHost(call.ctx, { id, enabled, reason: 'Disabled through the compute API.' })
  return { host: name, status: enabled ? 'enabled' : 'disabled' }
}

/** "2026-11-01 00:00:00" */
const moment = (at: Date) => at.toISOString().slice(0, 19).replace('T', ' ')

/** Returns the last month that had ended at that time. */
function monthBefore(at: Date): { begin: Date; end: Date } {
  const end = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1))
  return { begin: new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - 1, 1)), end }
}

async function auditLog(call: Call, before: Date): Promise<object> {
  const all = await findMachines(call.ctx)
  const { begin, end } = monthBefore(before)
  return {
    period_beginning: moment(begin),
    period_ending: moment(end),
    num_hosts: all.length,
    num_hosts_done: 0,
    num_hosts_running: 0,
    num_hosts_not_run: all.length,
    hosts_not_run: all.map(({ name }) => name),
    total_instances: 0,
    total_errors: 0,
    overall_status: `${all.length === 0 ? 'ALL' : `0 of ${all.length}`} hosts done. 0 errors.`,
    log: {},
  }
}

function momentOf(text: string): Date {
  const at = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/.test(text)
    ? new Date(`${text.replace(' ', 'T')}Z`)
    : new Date(Number.NaN)
  if (Number.isNaN(at.getTime())) throw new HttpError(400, `Invalid timestamp for date ${text.slice(0, 50)}`)
  return at
}

const never =
  'No host ever reports usage by itself (in Nova’s words, instance_usage_audit is off): os-simple-tenant-usage has it at any time.'
const old = { until: 42 }
const item = { ...old, path: '/os-hosts/:name', names: ['name'] }
export const hostOperations: ApiOperation[] = [
  {
    ...old,
    name: 'hosts.list',
    method: 'GET',
    path: '/os-hosts',
    summary: 'List hosts',
    status: 200,
    access: 'adminRead',
    filters: { zone: 'mars' },
    handle: list,
  },
  {
    ...item,
    name: 'hosts.get',
    method: 'GET',
    summary: 'Show what a host has, and what of it each project takes',
    status: 200,
    access: 'adminRead',
    handle: show,
  },
  {
    ...item,
    name: 'hosts.update',
    method: 'PUT',
    summary: 'Open or close a host for new servers',
    status: 200,
    access: 'admin',
    deviation:
      'maintenance_mode is refused. Power actions of hosts (reboot, shutdown, startup) are not there.',
    handle: update,
  },
  {
    name: 'usage_audit.list',
    method: 'GET',
    path: '/os-instance_usage_audit_log',
    summary: 'Which hosts have reported their usage of the last month',
    status: 200,
    access: 'adminRead',
    deviation: never,
    handle: async (call) => ({ instance_usage_audit_logs: await auditLog(call, new Date()) }),
  },
  {
    name: 'usage_audit.get',
    method: 'GET',
    path: '/os-instance_usage_audit_log/:before',
    names: ['before'],
    summary: 'Which hosts have reported their usage of the month before a time',
    status: 200,
    access: 'adminRead',
    deviation: never,
    handle: async (call) => ({
      instance_usage_audit_log: await auditLog(call, momentOf(call.params.before ?? '')),
    }),
  },
]
