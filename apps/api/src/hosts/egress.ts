import type { Ctx } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'

const closed =
  'is closed to the outside: there is no link, so no packet leaves it or comes in, also not to a floating IP. To open it, an administrator of the cloud starts it anew with STRATOLITH_EGRESS=on; consoles work without.'

/**
 * The sentence that says why no packet passes between the world and guests on that host, whatever routers, floating IPs
 * and rules say; null when packets pass. With hostId null, for a guest without a host: null when any host has a link.
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
    // A host that has not reported yet counts as having a link.
    where: { NOT: off },
    select: { id: true },
  })
  return others ? null : `This cloud ${closed}`
}

/** Answers whyClosed to every user, for forms before there is an instance. */
export async function outside(ctx: Ctx): Promise<{ closed: string | null }> {
  authorize(ctx, 'hosts:see_outside')
  return { closed: await whyClosed(ctx, null) }
}
