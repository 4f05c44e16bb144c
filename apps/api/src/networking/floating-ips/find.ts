import type { Prisma } from '@stratolith/db'
import { type Ctx, listScope, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  column,
  type FindInput,
  findRows,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../find.ts'

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

export async function findFloatingIps(ctx: Ctx, input: FindInput): Promise<FloatingIpRecord[]> {
  authorize(ctx, 'floatingIp:list')
  const scope = listScope(ctx, { allProjects: seesAll(ctx) })
  return findRows(ctx.db.floatingIp, { kind: 'floating IP', scope, include, searchable, sortable }, input)
}

export async function findFloatingIp(ctx: Ctx, id: string): Promise<FloatingIpRecord> {
  const [row] = await findFloatingIps(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('floating IP', id)
  return row
}
