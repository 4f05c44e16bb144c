import type { Prisma } from '@stratolith/db'
import { zonesWithHosts } from '../../hosts/service.ts'
import { type Ctx, listScope, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { type Ask, found, type Slice } from '../../kernel/page.ts'
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
import { listedNetworks, networkTarget } from './load.ts'

const include = {
  subnets: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
  rbacPolicies: { select: { targetProject: true } },
} satisfies Prisma.NetworkInclude
/** A network with everything that the doors show of it. */
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

type NetworkWhere = NetworkingWhere & {
  external?: boolean
  /** True: networks of the session's project. False: networks of other projects that are open to it. */
  own?: boolean
}

/** Networks as the portal, OpenStack's clients and exports list them: the caller's own and those open to it. */
export async function queryNetworks(ctx: Ctx, ask: Ask<NetworkWhere>): Promise<Slice<NetworkRecord>> {
  authorize(ctx, 'network:list')
  const { allProjects, projectId, lasting, own, external, search } = ask.where
  if (allProjects) listScope(ctx, { allProjects })
  const seen =
    projectId === undefined ? await listedNetworks(ctx, allProjects) : ownedScope(ctx, { projectId })
  const here = ctx.scope.kind === 'project' ? ctx.scope.projectId : ''
  const shared = flag({
    OR: [{ shared: true }, { rbacPolicies: { some: { targetProject: targetOf(ctx) } } }],
  })
  return queryRows<NetworkRecord>(
    ctx.db.network,
    {
      kind: 'network',
      scope: { AND: [seen, lasting ? { state: { not: 'deleting' } } : {}] },
      also: [
        own === undefined ? {} : { projectId: own ? here : { not: here } },
        external === undefined ? {} : { external },
        search ? { OR: found(search) } : {},
      ],
      include,
      searchable: { ...searchable, shared },
    },
    ask,
  )
}

/** Returns the networks that the caller may see; administrators see those of all projects. */
export async function findNetworks(ctx: Ctx, input: FindInput): Promise<NetworkRecord[]> {
  const where = { allProjects: seesAll(ctx), lasting: true }
  return (await queryNetworks(ctx, neutronAsk(sortable, input, where))).rows
}

const targetOf = (ctx: Ctx) => (ctx.scope.kind === 'project' ? ctx.scope.projectId : '*')

/** Tells whether the network is shared with everybody, or with the caller's own project. */
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
