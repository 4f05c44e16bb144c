import type { HostDrivers } from '@stratolith/drivers/host'
import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'

/** The drivers of the host with that id. */
export async function driversOf(ctx: Ctx, hostId: string): Promise<HostDrivers> {
  const endpoint = await ctx.deps.hosts.endpointOf(hostId, async () => {
    const host = await ctx.db.host.findUnique({ where: { id: hostId }, select: { endpoint: true } })
    if (host) return host.endpoint
    throw new CloudError('internal', 'The host of this resource is not registered any more.', {
      detail: `host ${hostId}`,
    })
  })
  return ctx.deps.hosts.at(endpoint)
}
