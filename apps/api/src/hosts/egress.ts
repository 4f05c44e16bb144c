import type { Ctx } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'

const closed =
  'is closed to the outside: there is no link, so no packet leaves it or comes in, also not to a floating IP. To open it, an administrator of the cloud starts it anew with STRATOLITH_EGRESS=on; consoles work without.'

/**
 * Null, or the sentence why nothing passes between the world and guests there, whatever routers, floating IPs
 * and rules say. Without a host: of a guest that has none yet; null when one of the hosts has a link.
 */
export async function whyClosed(ctx: Ctx, hostId: string | null): Promise<string | null> {
  const off = { beat: { facts: { path: ['egress'], equals: 'off' } } }
  if (hostId !== null) {
    const host = await ctx.db.host.findFirst({ where: { id: hostId, ...off }, select: { id: true } })
    return host && `The host of this instance ${closed}`
  }
  const some = await ctx.db.host.findFirst({ where: off, select: { id: true } })
  if (!some) return null
  const others = await ctx.db.host.findFirst({
    // of one that has not told nothing is said
    where: { NOT: off },
    select: { id: true },
  })
  return others ? null : `This cloud ${closed}`
}

/** For forms, before there is an instance: whyClosed for everybody. */
export async function outside(ctx: Ctx): Promise<{ closed: string | null }> {
  authorize(ctx, 'hosts:see_outside')
  return { closed: await whyClosed(ctx, null) }
}
