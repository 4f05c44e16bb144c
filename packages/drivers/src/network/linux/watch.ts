import type { Op } from '../../op.ts'
import { superviseDhcp } from './dhcp.ts'
import type { Plane } from './plane.ts'

/** Starts every dnsmasq that has died. A dnsmasq that does not start does not hold up the others. */
export async function superviseAll(op: Op, plane: Plane): Promise<void> {
  for (const { spec } of plane.state.networks.entries.values()) {
    try {
      if (await superviseDhcp(op, plane, spec))
        op.log.warn({ networkId: spec.id }, 'dnsmasq had died and was started again')
    } catch (error) {
      op.log.error({ err: error, networkId: spec.id }, 'dnsmasq could not be started')
    }
  }
}
