import type { RouterModel } from '@stratolith/db'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, found, likeLiteral, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { ownedScope } from '../owner.ts'
import {
  column,
  type FindInput,
  flag,
  type NetworkingWhere,
  neutronAsk,
  queryRows,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../queries.ts'

export type RouterRecord = RouterModel & { externalFixed: { subnetId: string; address: string }[] }

const searchable: Searchable = {
  ...standardSearch,
  adminUp: flag({ adminUp: true }),
  state: column('state'),
  externalNetworkId: uuidColumn('externalNetworkId'),
  zoneHints: (any) => ({ zoneHints: { hasSome: [...any] } }),
}
const sortable = new Set([...standardSort, 'adminUp', 'state', 'zoneHints'])

/** Routers as the portal, OpenStack's clients and exports list them. */
export function queryRouters(ctx: Ctx, ask: Ask<NetworkingWhere>): Promise<Slice<RouterModel>> {
  authorize(ctx, 'router:list')
  const { search, lasting } = ask.where
  const scope = { ...ownedScope(ctx, ask.where), ...(lasting ? { NOT: { state: 'deleting' } } : {}) }
  const also = search
    ? [{ OR: [...found(search), { externalAddress: { startsWith: likeLiteral(search) } }] }]
    : []
  return queryRows<RouterModel>(ctx.db.router, { kind: 'router', scope, searchable, also }, ask)
}

/** Returns routers with the addresses of their gateways. Two queries. */
export async function findRouters(ctx: Ctx, input: FindInput): Promise<RouterRecord[]> {
  const where = { allProjects: seesAll(ctx), lasting: true }
  const { rows } = await queryRouters(ctx, neutronAsk(sortable, input, where))
  const gateways = await ctx.db.port.findMany({
    where: { deviceOwner: 'network:router_gateway', deviceId: { in: rows.map((row) => row.id) } },
    select: { deviceId: true, addresses: { select: { subnetId: true, address: true } } },
  })
  const fixedOf = new Map(gateways.map((port) => [port.deviceId, port.addresses]))
  return rows.map((row) => ({ ...row, externalFixed: fixedOf.get(row.id) ?? [] }))
}

export async function findRouter(ctx: Ctx, id: string): Promise<RouterRecord> {
  const [row] = await findRouters(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('router', id)
  authorize(ctx, 'router:get', { projectId: row.projectId })
  return row
}
