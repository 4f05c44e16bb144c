import type { Prisma } from '@stratolith/db'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { listedNetworks, networkTarget } from '../networks/load.ts'
import {
  column,
  type FindInput,
  flag,
  neutronAsk,
  queryRows,
  type Searchable,
  standardSearch,
  standardSort,
  uuidColumn,
} from '../queries.ts'

const include = {
  network: { select: { projectId: true, shared: true, external: true } },
} satisfies Prisma.SubnetInclude
export type SubnetRecord = Prisma.SubnetGetPayload<{ include: typeof include }>

const searchable: Searchable = {
  ...standardSearch,
  networkId: uuidColumn('networkId'),
  cidr: column('cidr'),
  gatewayIp: column('gatewayIp'),
  dhcp: flag({ dhcp: true }),
  external: flag({ network: { external: true } }),
  shared: flag({ network: { shared: true } }),
}
const sortable = new Set([...standardSort, 'networkId', 'cidr', 'dhcp', 'gatewayIp'])

/**
 * Returns the subnets of the networks that the caller may see, except those of external networks, which Neutron does
 * not show to every tenant either.
 */
export async function findSubnets(ctx: Ctx, input: FindInput): Promise<SubnetRecord[]> {
  authorize(ctx, 'network:list')
  const seen = await listedNetworks(ctx, seesAll(ctx), { outside: false })
  const scope = { network: { AND: [seen, { state: { not: 'deleting' } }] } }
  const from = { kind: 'subnet', scope, include, searchable }
  return (await queryRows<SubnetRecord>(ctx.db.subnet, from, neutronAsk(sortable, input, {}))).rows
}

export async function findSubnet(ctx: Ctx, id: string): Promise<SubnetRecord> {
  const [row] = await findSubnets(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('subnet', id)
  authorize(ctx, 'network:get', networkTarget(ctx, row.network))
  return row
}
