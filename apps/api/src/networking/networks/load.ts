import { type NetworkModel, Prisma, type SubnetModel } from '@stratolith/db'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { PoolSubnet } from '../ports/allocate.ts'

export type NetworkRow = NetworkModel & { subnets: SubnetModel[] }
/** As much of a network as a new port needs. */
export type PortNetwork = Pick<NetworkModel, 'id' | 'name' | 'projectId' | 'mtu' | 'portSecurity'> & {
  subnets: PoolSubnet[]
}

/**
 * A condition for the networks that the caller may see: the project's own, those shared with it, and provider networks.
 */
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

/** The subnets of an external network are shown to its owner, and not to everybody who may use its addresses. */
export async function seesSubnets(ctx: Ctx, network: NetworkModel): Promise<boolean> {
  if (!network.external || network.shared || seesAll(ctx)) return true
  const targetProject = projectOf(ctx)
  if (network.projectId === targetProject) return true
  return (await ctx.db.rbacPolicy.count({ where: { objectId: network.id, targetProject } })) > 0
}

const locks = { shared: 'FOR KEY SHARE', inTurn: 'FOR NO KEY UPDATE', alone: 'FOR UPDATE' }
/**
 * Keeps the network from being deleted until the transaction ends. Throws conflict for a network that is being deleted:
 * its deletion could never end if the network got something new. `inTurn`: callers that say so run one after the other,
 * while launches go on. `alone`: also waits until no port is being made on the network, so launches pause.
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
 * A condition for lists of the networks that the caller may see. It is written so that PostgreSQL can use indexes: an
 * OR with a subquery would read every network. With `outside` false provider networks are left out: everybody may use
 * their addresses, but their subnets concern their owner alone.
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

/**
 * Loads a network by its ID among those that the caller may see, then authorizes the action. Throws not_found for a
 * network that the caller cannot see.
 */
export async function loadNetwork(ctx: Ctx, action: string, id: string): Promise<NetworkRow> {
  const row = await ctx.db.network.findFirst({
    where: { AND: [seesAll(ctx) ? {} : visibleNetworks(ctx), { id }] },
    include: { subnets: { orderBy: { createdAt: 'asc' } } },
  })
  if (!row) throw notFound('network', id)
  authorize(ctx, action, networkTarget(ctx, row))
  return row
}

/**
 * A network that the caller sees but does not own has been opened to them: it is shared, external, or named by an RBAC
 * policy.
 */
export const networkTarget = (ctx: Ctx, row: Pick<NetworkModel, 'projectId' | 'shared' | 'external'>) => ({
  projectId: row.projectId,
  public: row.shared || row.external || !seesAll(ctx),
})
