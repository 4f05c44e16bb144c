import { hostList } from '../../hosts/service.ts'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  column,
  type FindInput,
  flag,
  neutronAsk,
  queryRows,
  type Searchable,
  uuidColumn,
} from '../queries.ts'

/** A host's agent as far as networks are concerned: every host carries every network. */
export type AgentRecord = {
  id: string
  name: string
  zone: string
  state: string
  enabled: boolean
  createdAt: Date
  lastSeenAt: Date | null
}

const searchable: Searchable = {
  id: uuidColumn('id'),
  name: column('name'),
  zone: column('zone'),
  adminUp: flag({ enabled: true }),
  alive: flag({ state: 'up' }),
}
const sortable = new Set(['id', 'name', 'zone', 'createdAt'])

/**
 * Lists the agents of all hosts for administrators and for readers of the system; everybody else gets an empty list.
 */
export async function listAgents(ctx: Ctx, input: FindInput): Promise<AgentRecord[]> {
  authorize(ctx, 'network:list')
  if (seesAll(ctx)) return findAgents(ctx, input)
  projectOf(ctx)
  return []
}

async function findAgents(ctx: Ctx, input: FindInput): Promise<AgentRecord[]> {
  authorize(ctx, 'hosts:list_hosts')
  type Row = Omit<AgentRecord, 'lastSeenAt'> & { beat: { lastSeenAt: Date | null } | null }
  const from = { kind: 'agent', scope: {}, searchable }
  const { rows } = await queryRows<Row>(hostList(ctx), from, neutronAsk(sortable, input, {}))
  return rows.map(({ beat, ...row }) => ({ ...row, lastSeenAt: beat?.lastSeenAt ?? null }))
}

export async function findAgent(ctx: Ctx, id: string): Promise<AgentRecord> {
  const [row] = await findAgents(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('agent', id)
  return row
}
