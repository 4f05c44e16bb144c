import { type NetworkModel, Prisma, type SubnetModel } from '@stratolith/db'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { PoolSubnet } from '../ports/allocate.ts'

export type NetworkRow = NetworkModel & { subnets: SubnetModel[] }
/** As much of it as a new port needs. */
export type PortNetwork = Pick<NetworkModel, 'id' | 'name' | 'projectId' | 'mtu' | 'portSecurity'> & {
  subnets: PoolSubnet[]
}

/** What the caller may see: the project's own networks, those shared with it and provider networks. */
function visibleNetworks(ctx: Ctx): object {
  if (seesAll(ctx) && ctx.scope.kind !== 'project') return {}
  const projectId = projectOf(ctx)
  return {
    OR: [
      { projectId },
      { shared: true },
      { external: true },
      { rbacPolicies: { some: { targetProject: projectId } } },
    ],
  }
}

/** The subnets of an external network are its owner's business, not that of all who may use its addresses. */
export async function seesSubnets(ctx: Ctx, network: NetworkModel): Promise<boolean> {
  if (!network.external || network.shared || seesAll(ctx)) return true
  const targetProject = projectOf(ctx)
  if (network.projectId === targetProject) return true
  return (await ctx.db.rbacPolicy.count({ where: { objectId: network.id, targetProject } })) > 0
}

const locks = { shared: 'FOR KEY SHARE', inTurn: 'FOR NO KEY UPDATE', alone: 'FOR UPDATE' }
/**
 * Until the transaction ends the network cannot be deleted, and one that is being deleted gets nothing
 * new: else its deletion could never end. `inTurn`: one after the other of those who say so; launches go on.
 * `alone`: also when no port is being made on it, for which launches must pause.
 */
export async function holdNetwork(
  ctx: Ctx,
  network: { id: string; name: string },
  how: keyof typeof locks = 'shared',
) {
  const lock = Prisma.raw(locks[how])
  const [row] = await ctx.db.$queryRaw<{ state: string }[]>`
    SELECT "state" FROM "Network" WHERE "id" = ${network.id}::uuid ${lock}`
  if (!row) throw notFound('network', network.id)
  if (row.state === 'deleting')
    throw conflict(`Network “${network.name}” is being deleted. Choose another one.`, 'networkInUse')
}

/**
 * The same for lists, in words that indexes answer: PostgreSQL looks through every network for an OR
 * with a question in it. Without `outside` provider networks alone are left out, whose addresses everybody may use
 * but whose subnets are their owner's business.
 */
export async function listedNetworks(
  ctx: Ctx,
  allProjects = false,
  { outside = true }: { outside?: boolean } = {},
): Promise<object> {
  if (seesAll(ctx) && (allProjects || ctx.scope.kind !== 'project')) return {}
  const projectId = projectOf(ctx)
  const offered = await ctx.db.rbacPolicy.findMany({
    where: { targetProject: projectId },
    select: { objectId: true },
  })
  const ids = offered.map(({ objectId }) => objectId)
  return {
    OR: [{ projectId }, { shared: true }, { id: { in: ids } }, ...(outside ? [{ external: true }] : [])],
  }
}

/** By (what the caller may see, id), then authorized; unseen is 404. */
export async function loadNetwork(ctx: Ctx, action: string, id: string): Promise<NetworkRow> {
  const row = await ctx.db.network.findFirst({
    where: { AND: [seesAll(ctx) ? {} : visibleNetworks(ctx), { id }] },
    include: { subnets: { orderBy: { createdAt: 'asc' } } },
  })
  if (!row) throw notFound('network', id)
  authorize(ctx, action, networkTarget(ctx, row))
  return row
}

/** What is not the caller's own and yet seen has been opened to it: shared, external or by a policy. */
export const networkTarget = (ctx: Ctx, row: Pick<NetworkModel, 'projectId' | 'shared' | 'external'>) => ({
  projectId: row.projectId,
  public: row.shared || row.external || !seesAll(ctx),
})
