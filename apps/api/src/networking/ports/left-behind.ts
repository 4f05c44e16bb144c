import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { quotaOf, quotaWords } from '../../kernel/quota.ts'
import type { PortNetwork } from '../networks/load.ts'

/** Who wants an address, and in which of its quotas what it gets is counted. */
export type Wanting = { projectId: string; quota: 'ports' | 'routers' | 'floatingIps' }

/**
 * What a project gives back while a machine does not answer stays in use there ("HeldAddress"): whoever took and
 * gave back in a loop would empty a network that others use, too. Of such a network a project gets no more while
 * it has left more behind than it may have at a time. Throws quota_exceeded.
 */
export async function refuseLeftBehind(
  ctx: Ctx,
  network: PortNetwork,
  { projectId, quota }: Wanting,
): Promise<void> {
  if (projectId === '' || projectId === network.projectId) return
  const left = await ctx.db.heldAddress.findMany({
    where: { subnetId: { in: network.subnets.map((subnet) => subnet.id) }, projectId, quota },
    select: { address: true },
    distinct: ['address'],
  })
  if (left.length === 0) return
  const limit = (await quotaOf(ctx, projectId)).find((one) => one.resource === quota)?.limit ?? 0
  if (limit < 0 || left.length <= limit) return
  throw new CloudError(
    'quota_exceeded',
    `${left.length} addresses of network “${network.name}” that this project has given back are still in use on machines that have not let go of them. That is more than its quota of ${quotaWords[quota]} (${limit}), so it gets no more of them now. Try again in a moment; when it stays so, a machine does not answer: ask an administrator to start it, or to declare it fenced.`,
  )
}
