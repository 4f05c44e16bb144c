import { listZones } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { ZoneView } from '../contract.ts'

/** Every zone by its name; which machines it has stays with the hosts room. */
export const placeableZones = async (ctx: Ctx): Promise<ZoneView[]> =>
  (await listZones(ctx, { detail: false })).map(({ name, available }) => ({ name, available }))
