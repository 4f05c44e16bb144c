import { Prisma } from '@stratolith/db'
import { heldOf } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { quotaWords } from '../../kernel/quota.ts'
import { quotaOf } from '../../quota/service.ts'
import type { PortNetwork } from '../networks/load.ts'

/** The project that wants an address, and the quota in which the new thing is counted. */
export type Wanting = { projectId: string; quota: 'ports' | 'routers' | 'floatingIps' }

/**
 * Addresses that a project gives back while a machine does not answer stay in use on that machine ("HeldAddress"): a
 * loop of taking and giving back would empty a network that others use, too. A project gets no more addresses of
 * another project's network while more of its addresses are held there than its quota allows. Throws quota_exceeded.
 */
export async function refuseLeftBehind(
  ctx: Ctx,
  network: PortNetwork,
  { projectId, quota }: Wanting,
): Promise<void> {
  if (projectId === '' || projectId === network.projectId) return
  const subnetIds = network.subnets.map((subnet) => subnet.id)
  // An address that the project still has (a floating IP that moved to another router) is not left behind.
  const left = await heldOf(
    ctx,
    { subnetIds, projectId, quota },
    (subnetId, address) => Prisma.sql`EXISTS (
      SELECT FROM "PortAddress" a WHERE a."subnetId" = ${subnetId} AND a."address" = ${address})`,
  )
  if (left === 0) return
  const limit = (await quotaOf(ctx, projectId)).find((one) => one.resource === quota)?.limit ?? 0
  if (limit < 0 || left <= limit) return
  throw new CloudError(
    'quota_exceeded',
    `${left} addresses of network “${network.name}” that this project has given back are still in use on machines that have not let go of them. That is more than its quota of ${quotaWords(quota).words} (${limit}), so it gets no more of them now. Try again in a moment; when it stays so, a machine does not answer or cannot do what it is told: ask an administrator, whose page of the machine says which.`,
  )
}
