import type { Prisma } from '@stratolith/db'
import { zonesWithHosts } from '../../hosts/service.ts'
import { type Ctx, seesAll } from '../../kernel/context.ts'
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
import { listedNetworks, networkTarget } from './load.ts'

const include = {
  subnets: { select: { id: true }, orderBy: { id: 'asc' } },
  rbacPolicies: { select: { targetProject: true } },
} satisfies Prisma.NetworkInclude
/** A network as a façade shows it. */
export type NetworkRecord = Prisma.NetworkGetPayload<{ include: typeof include }>

const searchable: Searchable = {
  ...standardSearch,
  adminUp: flag({ adminUp: true }),
  external: flag({ external: true }),
  state: column('state'),
  mtu: column('mtu'),
  portSecurity: flag({ portSecurity: true }),
  zoneHints: (any) => ({ zoneHints: { hasSome: [...any] } }),
  subnets: (any) => ({ subnets: { some: uuidColumn('id')(any) } }),
}
const sortable = new Set([
  ...standardSort,
  'adminUp',
  'state',
  'mtu',
  'external',
  'shared',
  'portSecurity',
  'zoneHints',
])

/** What the caller may see; administrators see all projects. */
export async function findNetworks(ctx: Ctx, input: FindInput): Promise<NetworkRecord[]> {
  authorize(ctx, 'network:list')
  // One that is going has been deleted as far as its owner knows; a failure brings it back.
  const scope = { AND: [await listedNetworks(ctx, seesAll(ctx)), { state: { not: 'deleting' } }] }
  const shared = flag({
    OR: [{ shared: true }, { rbacPolicies: { some: { targetProject: targetOf(ctx) } } }],
  })
  return findRows(
    ctx.db.network,
    { kind: 'network', scope, include, sortable, searchable: { ...searchable, shared } },
    input,
  )
}

const targetOf = (ctx: Ctx) => (ctx.scope.kind === 'project' ? ctx.scope.projectId : '*')

/** With everybody, or with the caller's own project. */
export const isShared = (ctx: Ctx, row: NetworkRecord): boolean =>
  row.shared || row.rbacPolicies.some((policy) => policy.targetProject === targetOf(ctx))

export async function findNetwork(ctx: Ctx, id: string): Promise<NetworkRecord> {
  const [row] = await findNetworks(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('network', id)
  authorize(ctx, 'network:get', networkTarget(ctx, row))
  return row
}

/** Throws not_found for a zone in which the cloud has no host. */
export async function refuseUnknownZones(ctx: Ctx, hints: readonly string[]): Promise<void> {
  if (hints.length === 0) return
  const known = (await zonesWithHosts(ctx)).map(({ name }) => name)
  const unknown = hints.find((hint) => !known.includes(hint))
  if (unknown !== undefined) throw notFound('availability zone', unknown)
}
