import type { Ctx } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { findRegion } from '../regions.ts'
import { findService } from '../services.ts'

/** In Keystone's words. */
export const duplicate = (kind: 'registered_limit' | 'limit'): CloudError =>
  new CloudError('already_exists', `Conflict occurred attempting to store ${kind} - Duplicate entry.`)

/** The service and the region that a limit is about are in the catalog; throws invalid_input. */
export async function demandNamed(
  ctx: Ctx,
  { serviceId, regionId }: { serviceId?: string; regionId?: string | null },
): Promise<void> {
  if (serviceId !== undefined)
    await findService(ctx, serviceId).catch(asInvalid('There is no such service.', 'service_id'))
  if (regionId) await findRegion(ctx, regionId).catch(asInvalid('There is no such region.', 'region_id'))
}

/** What a body names and is not there is a fault of the body. */
export const asInvalid = (message: string, field: string) => (error: unknown) => {
  throw error instanceof CloudError && error.code === 'not_found' ? invalidInput(message, field) : error
}
