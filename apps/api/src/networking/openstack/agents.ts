import { z } from 'zod'
import { deleteHost, updateHost } from '../../hosts/service.ts'
import { type AgentRecord, findAgent, listAgents } from '../agents/queries.ts'
import { body } from './body.ts'
import { always, bool, text } from './query.ts'
import type { Resource } from './resource.ts'

const agentType = 'Stratolith host agent'
const binary = 'stratolith-agent'
const put = z.strictObject({
  admin_state_up: body.bool.optional(),
  description: body.without('agents are told apart by their host'),
})

/**
 * Neutron's agents are this cloud's hosts: every host's agent carries every network and router that its guests need.
 */
export const agents: Resource<z.ZodObject, typeof put, AgentRecord> = {
  name: 'agent',
  collection: 'agents',
  path: '/agents',
  kind: 'agent',
  attributes: {
    id: text('id'),
    host: text('name'),
    availability_zone: text('zone'),
    admin_state_up: bool('adminUp'),
    alive: bool('alive'),
    agent_type: always(agentType),
    binary: always(binary),
    topic: always('N/A'),
    created_at: null,
    started_at: null,
    heartbeat_timestamp: null,
    description: always(null),
    resources_synced: null,
    configurations: null,
  },
  put,
  find: listAgents,
  one: findAgent,
  views: (_ctx, rows) => rows.map(agentView),
  // Setting an agent down disables its host for new instances, because a host cannot be without its networks alone.
  update: async (ctx, id, { admin_state_up: enabled }) => {
    if (enabled !== undefined) await updateHost(ctx, { id, enabled, reason: 'Set through the network API.' })
  },
  remove: (ctx, id) => deleteHost(ctx, { id }),
  access: {
    // Callers who may not see hosts get an empty list, as in Neutron.
    list: { access: 'list' },
    get: { access: 'adminRead' },
    update: {
      access: 'admin',
      deviation: 'admin_state_up disables the whole host; it has no description.',
    },
    delete: {
      access: 'admin',
      deviation: 'Forgets the whole host; refused (409) while it answers or has instances.',
    },
  },
}

const stamp = (date: Date) => date.toISOString().slice(0, 19).replace('T', ' ')

const agentView = (row: AgentRecord): Record<string, unknown> => ({
  id: row.id,
  agent_type: agentType,
  binary,
  topic: 'N/A',
  host: row.name,
  admin_state_up: row.enabled,
  created_at: stamp(row.createdAt),
  started_at: stamp(row.createdAt),
  heartbeat_timestamp: stamp(row.lastSeenAt ?? row.createdAt),
  description: null,
  resources_synced: null,
  availability_zone: row.zone,
  alive: row.state === 'up',
  configurations: {},
})
