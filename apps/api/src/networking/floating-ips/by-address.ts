import { type Ctx, projectOf } from '../../kernel/context.ts'

/** Finds a floating IP of the caller's project by its address; returns null when there is none. */
export async function findOwnFloatingIp(
  ctx: Ctx,
  address: string,
): Promise<{ id: string; portId: string | null } | null> {
  return ctx.db.floatingIp.findFirst({
    where: { address, projectId: projectOf(ctx) },
    select: { id: true, portId: true },
  })
}
