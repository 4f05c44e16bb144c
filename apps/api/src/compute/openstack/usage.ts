import { HttpError } from '../../openstack/errors.ts'
import { micros } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, queryText, refuseCut } from '../../openstack/pages.ts'
import { type ServerUsage, usageBetween } from '../instances/usage.ts'

/** `text` is the time as Nova repeats it, with the microseconds that the client has sent. */
type Moment = { at: Date; text: string | null }
type Span = { from: Moment; to: Moment }
function timeOf(call: Call, name: string, otherwise: Date): Moment {
  const text = queryText(call.query, name)
  if (text === undefined) return { at: otherwise, text: micros(otherwise) }
  const date = new Date(
    /(Z|[+-]\d\d:?\d\d)$/i.test(text) || !/[T ]/.test(text) ? text : `${text.replace(' ', 'T')}Z`,
  )
  if (Number.isNaN(date.getTime())) throw new HttpError(400, 'Invalid datetime format')
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
  return {
    at: date,
    text: `${date.toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}`,
  }
}
/** Reads the span of a report; by default the last four weeks. */
function span(call: Call): Span {
  const to = timeOf(call, 'end', new Date())
  const from = timeOf(call, 'start', new Date(to.at.getTime() - 28 * 24 * 3_600_000))
  if (from.at >= to.at)
    throw new HttpError(400, 'Invalid start time. The start time cannot occur after the end time.')
  return { from, to }
}

const serverView = (usage: ServerUsage) => ({
  instance_id: usage.instanceId,
  name: usage.name,
  hours: usage.hours,
  tenant_id: usage.projectId,
  flavor: usage.flavorName,
  started_at: micros(usage.startedAt),
  ended_at: micros(usage.endedAt),
  state: usage.state,
  memory_mb: usage.memoryMib,
  local_gb: usage.diskGib,
  vcpus: usage.vcpus,
  uptime: Math.round(((usage.endedAt ?? new Date()).getTime() - usage.startedAt.getTime()) / 1000),
})

function tenantView(projectId: string, all: ServerUsage[], { from, to }: Span, detailed: boolean) {
  const sum = (of: (usage: ServerUsage) => number) => all.reduce((total, usage) => total + of(usage), 0)
  return {
    tenant_id: projectId,
    total_local_gb_usage: sum((u) => u.diskGib * u.hours),
    total_vcpus_usage: sum((u) => u.vcpus * u.hours),
    total_memory_mb_usage: sum((u) => u.memoryMib * u.hours),
    total_hours: sum((u) => u.hours),
    start: from.text,
    stop: to.text,
    ...(detailed ? { server_usages: all.map(serverView) } : {}),
  }
}

/** Most instances in a report without pages. */
const mostUnpaged = 10_000

/** Reads the usage: since 2.40 by pages of instances; before that all instances, or a refusal that says what to do. */
async function read(call: Call, projectId: string | null, { from, to }: Span, word: string) {
  const paged = call.minor >= 40
  const { limit, marker } = paged ? pageQuery(call.query) : { limit: mostUnpaged, marker: undefined }
  const page = { limit, ...(marker === undefined ? {} : { after: marker }) }
  const { usages, more } = await usageBetween(call.ctx, { projectId, from: from.at, to: to.at, page })
  if (!paged) refuseCut(more, limit, '2.40')
  const last = usages.at(-1)
  if (!more || !last) return { usages, links: {} }
  const href = nextLink(call.deps.config.publicUrl, call.request.url, last.instanceId)
  return { usages, links: { [word]: [{ rel: 'next', href }] } }
}

export const usageOperations: ApiOperation[] = [
  {
    name: 'usage.list',
    method: 'GET',
    path: '/os-simple-tenant-usage',
    summary: 'List what all projects use',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const times = span(call)
      const { usages, links } = await read(call, null, times, 'tenant_usages_links')
      const detailed = queryText(call.query, 'detailed') === '1'
      const byProject = Map.groupBy(usages, (usage) => usage.projectId)
      return {
        tenant_usages: [...byProject].map(([id, own]) => tenantView(id, own, times, detailed)),
        ...links,
      }
    },
  },
  {
    name: 'usage.get',
    method: 'GET',
    path: '/os-simple-tenant-usage/:tenant_id',
    names: ['tenant_id'],
    summary: 'Show what a project uses',
    status: 200,
    access: 'read',
    except: { stranger: 'forbidden' }, // as in Nova: a project's id is no secret
    deviation:
      'An instance counts from its first start to its end, as in Nova; what was deleted before this API existed is not known.',
    handle: async (call) => {
      const times = span(call)
      const projectId = call.params.tenant_id ?? ''
      const { usages, links } = await read(call, projectId, times, 'tenant_usage_links')
      return { tenant_usage: usages.length === 0 ? {} : tenantView(projectId, usages, times, true), ...links }
    },
  },
]
