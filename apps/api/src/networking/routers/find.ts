import type { RouterModel } from '@stratolith/db'
import { type Ctx, listScope, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  column,
  type FindInput,
  findRows,
  flag,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../find.ts'

export type RouterRecord = RouterModel & { externalFixed: { subnetId: string; address: string }[] }

const searchable: Searchable = {
  ...standardSearch,
  adminUp: flag({ adminUp: true }),
  state: column('state'),
  externalNetworkId: uuidColumn('externalNetworkId'),
  zoneHints: (any) => ({ zoneHints: { hasSome: [...any] } }),
}
const sortable = new Set([...standardSort, 'adminUp', 'state', 'zoneHints'])

/** Two queries: the routers, and the addresses of their gateways. */
export async function findRouters(ctx: Ctx, input: FindInput): Promise<RouterRecord[]> {
  authorize(ctx, 'router:list')
  const scope = { ...listScope(ctx, { allProjects: seesAll(ctx) }), NOT: { state: 'deleting' } }
  const rows = await findRows<RouterModel>(
    ctx.db.router,
    { kind: 'router', scope, searchable, sortable },
    input,
  )
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
