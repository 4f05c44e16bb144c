import type { Ctx } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { findRegion } from '../regions.ts'
import { findService } from '../services.ts'

/** The error of a second limit, in Keystone's words. */
export const duplicate = (kind: 'registered_limit' | 'limit'): CloudError =>
  new CloudError('already_exists', `Conflict occurred attempting to store ${kind} - Duplicate entry.`)

type Named = { serviceId?: string; regionId?: string | null }
/** Checks that the services and regions of limits are in the catalog, each once; throws invalid_input otherwise. */
export async function demandNamed(ctx: Ctx, wishes: readonly Named[]): Promise<void> {
  const services = new Set(wishes.flatMap(({ serviceId }) => serviceId ?? []))
  const regions = new Set(wishes.flatMap(({ regionId }) => regionId ?? []))
  for (const id of services)
    await findService(ctx, id).catch(asInvalid('There is no such service.', 'service_id'))
  for (const id of regions)
    await findRegion(ctx, id).catch(asInvalid('There is no such region.', 'region_id'))
}

type Resource = { serviceId: string; regionId?: string | null; resourceName: string }
/** A key that is equal for the same resource of the same service in the same region, or in all regions (null). */
export const resourceKey = ({ serviceId, regionId = null, resourceName }: Resource): string =>
  JSON.stringify([serviceId, regionId, resourceName])

/** The registered limits of the services in `wishes`, by resourceKey. */
export async function registeredBy(
  ctx: Ctx,
  wishes: readonly Resource[],
): Promise<Map<string, { id: string }>> {
  const rows = await ctx.db.registeredLimit.findMany({
    where: { serviceId: { in: [...new Set(wishes.map((wish) => wish.serviceId))] } },
    select: { id: true, serviceId: true, regionId: true, resourceName: true },
  })
  return new Map(rows.map((row) => [resourceKey(row), row]))
}

/** Turns not_found into invalid_input, for a thing that a body names but that does not exist. */
export const asInvalid = (message: string, field: string) => (error: unknown) => {
  throw error instanceof CloudError && error.code === 'not_found' ? invalidInput(message, field) : error
}
