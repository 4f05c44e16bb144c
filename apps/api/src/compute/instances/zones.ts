import { listZones } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { ZoneView } from '../contract.ts'

/** Returns every zone by its name; only the hosts room tells which machines a zone has. */
export const placeableZones = async (ctx: Ctx): Promise<ZoneView[]> =>
  (await listZones(ctx, { detail: false })).map(({ name, available }) => ({ name, available }))
