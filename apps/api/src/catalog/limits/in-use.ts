import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'

/** Refuses to delete a service or region that has limits. Call this in a transaction that holds the catalog's lock. */
export async function demandNoLimitsOf(
  ctx: Ctx,
  kind: 'service' | 'region',
  ids: readonly string[],
): Promise<void> {
  const column = kind === 'service' ? 'serviceId' : 'regionId'
  if ((await ctx.db.registeredLimit.count({ where: { [column]: { in: [...ids] } } })) > 0)
    throw new CloudError(
      'forbidden',
      `Unable to delete the ${kind} because there are registered limits for it. Delete them first.`,
    )
}
