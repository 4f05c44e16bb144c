import { HttpError } from '../../openstack/errors.ts'
import { type Field, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, queryText, refuseCut } from '../../openstack/pages.ts'
import { type ActionRecord, actionsOf } from '../instances/actions-log.ts'
import { at } from './fields.ts'
import { hostIdOf } from './server-views.ts'

/** Nova's word for each action of this cloud; an action that is not listed keeps its own word. */
const words: Record<string, string> = {
  create: 'create',
  reset: 'resetState',
  attach: 'attach_interface',
  detach: 'detach_interface',
  console: 'get_console',
}
const wordOf = (action: string) => {
  const own = action.replace(/^instance\./, '')
  return words[own] ?? own
}

const listed: Field<ActionRecord>[] = [
  { name: 'action', of: (a) => wordOf(a.action) },
  { name: 'instance_uuid', of: (a) => a.instanceId },
  { name: 'request_id', of: (a) => a.requestId },
  { name: 'user_id', of: (a) => a.userId },
  { name: 'project_id', of: (a) => a.projectId },
  { name: 'start_time', of: (a) => micros(a.startedAt) },
  { name: 'message', of: (a) => a.failure },
  { name: 'updated_at', since: 58, of: (a) => micros(a.finishedAt ?? a.startedAt) },
]
type Step = ActionRecord['steps'][number] & { of: ActionRecord }
const stepFields: Field<Step>[] = [
  { name: 'event', of: (s) => `compute_${wordOf(s.of.action)}_${s.name}` },
  { name: 'start_time', of: (s) => micros(s.startedAt) },
  { name: 'finish_time', of: (s) => micros(s.finishedAt) },
  { name: 'result', of: (s) => (s.state === 'running' ? null : s.error === null ? 'Success' : 'Error') },
  { name: 'traceback', until: 50, of: (s, { admin }) => (admin ? s.error : undefined) },
  { name: 'traceback', since: 51, of: (s, { admin }) => (admin ? s.error : undefined) },
  { name: 'hostId', since: 62, of: (s) => hostIdOf(s.of.projectId ?? '', s.of.host) },
  { name: 'host', since: 62, of: (s, { admin }) => (admin ? (s.of.host?.name ?? null) : undefined) },
]
const shown: Field<ActionRecord>[] = [
  ...listed,
  {
    name: 'events',
    of: (a, view) =>
      // Before 2.51 only administrators see the steps.
      view.minor >= 51 || view.admin
        ? a.steps.map((step) => shape(stepFields, { ...step, of: a }, view))
        : undefined,
  },
]

const id = (call: Call) => call.params.server_id ?? ''
function dateOf(call: Call, name: string): Date | undefined {
  const text = queryText(call.query, name)
  if (text === undefined) return undefined
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T') ? text : `${text}Z`)
  if (Number.isNaN(date.getTime()))
    throw new HttpError(400, `Invalid input for query parameters ${name}. Value: ${text.slice(0, 50)}.`)
  return date
}

async function list(call: Call): Promise<object> {
  const paged = call.minor >= 58
  const { limit, marker } = paged ? pageQuery(call.query) : { limit: 1000, marker: undefined }
  const actions = await actionsOf(call.ctx, id(call), {
    limit: limit + 1,
    marker,
    since: paged ? dateOf(call, 'changes-since') : undefined,
    before: call.minor >= 66 ? dateOf(call, 'changes-before') : undefined,
  })
  if (!paged) refuseCut(actions.length > limit, limit, '2.58')
  const page = actions.slice(0, limit)
  const last = page.at(-1)
  return {
    instanceActions: page.map((action) => shape(listed, action, at(call))),
    ...(paged && actions.length > limit && last?.requestId
      ? {
          links: [
            { rel: 'next', href: nextLink(call.deps.config.publicUrl, call.request.url, last.requestId) },
          ],
        }
      : {}),
  }
}

export const instanceActionOperations: ApiOperation[] = [
  {
    name: 'servers.actions.list',
    method: 'GET',
    path: '/servers/:server_id/os-instance-actions',
    summary: 'List what was done with a server',
    status: 200,
    access: 'read',
    filters: { 'changes-since': '2999-01-01T00:00:00Z', 'changes-before': '2001-01-01T00:00:00Z' },
    deviation:
      'The message of what failed says why; since 2.21 also of deleted servers; every change of name, metadata or tags is an action (update).',
    handle: list,
  },
  {
    name: 'servers.actions.get',
    method: 'GET',
    path: '/servers/:server_id/os-instance-actions/:request_id',
    names: ['request_id'],
    summary: 'Show what was done with a server, step by step',
    status: 200,
    access: 'read',
    deviation: 'The events are the steps of our own workflows.',
    handle: async (call) => {
      const requestId = call.params.request_id ?? ''
      const [action] = await actionsOf(call.ctx, id(call), { limit: 1, requestId })
      if (!action)
        throw new HttpError(
          404,
          `Action for request_id ${requestId.slice(0, 100)} on instance ${id(call)} not found`,
        )
      return { instanceAction: shape(shown, action, at(call)) }
    },
  },
]
