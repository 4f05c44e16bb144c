import type { Prisma } from '@stratolith/db'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, found, likeLiteral, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { ownedScope } from '../owner.ts'
import {
  column,
  type FindInput,
  type NetworkingWhere,
  neutronAsk,
  queryRows,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../queries.ts'

const include = { port: true } satisfies Prisma.FloatingIpInclude
export type FloatingIpRecord = Prisma.FloatingIpGetPayload<{ include: typeof include }>

const { name: _none, ...standard } = standardSearch
const searchable: Searchable = {
  ...standard,
  address: column('address'),
  networkId: uuidColumn('networkId'),
  portId: uuidColumn('portId'),
  routerId: uuidColumn('routerId'),
  fixedAddress: column('fixedAddress'),
  state: column('state'),
}
const sortable = new Set([
  ...standardSort.filter((field) => field !== 'name'),
  'address',
  'networkId',
  'portId',
  'routerId',
  'fixedAddress',
  'state',
])

/** Floating IPs as the portal, OpenStack's clients and exports list them. */
export function queryFloatingIps(ctx: Ctx, ask: Ask<NetworkingWhere>): Promise<Slice<FloatingIpRecord>> {
  authorize(ctx, 'floatingIp:list')
  const { search } = ask.where
  const words = search
    ? [...found(search, 'description'), { address: { startsWith: likeLiteral(search) } }]
    : []
  return queryRows<FloatingIpRecord>(
    ctx.db.floatingIp,
    {
      ...{ kind: 'floating IP', scope: ownedScope(ctx, ask.where), include, searchable },
      also: search ? [{ OR: words }] : [],
    },
    ask,
  )
}

export async function findFloatingIps(ctx: Ctx, input: FindInput): Promise<FloatingIpRecord[]> {
  return (await queryFloatingIps(ctx, neutronAsk(sortable, input, { allProjects: seesAll(ctx) }))).rows
}

export async function findFloatingIp(ctx: Ctx, id: string): Promise<FloatingIpRecord> {
  const [row] = await findFloatingIps(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('floating IP', id)
  return row
}
