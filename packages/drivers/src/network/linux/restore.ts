import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import type { RestoreReport } from '../interface.ts'
import { ensureBridge } from './bridges.ts'
import { ensureDhcp } from './dhcp.ts'
import { ensureExternal } from './external.ts'
import { addressSetFilter } from './filter.ts'
import { type Kernel, readKernel } from './kernel.ts'
import type { Plane } from './plane.ts'
import { applyPort, portDifference } from './ports.ts'
import { ensureRouterParts } from './routers.ts'
import type { Entry, Shelf } from './state.ts'

/** The IPv4 members of an address set: nothing else can pass a port. */
export function membersOf(addresses: readonly string[]): string[] {
  return [...new Set(addresses.filter((address) => !address.includes(':')))]
}

/** Makes the kernel equal to the record, resource by resource; what is right already is not touched. */
export async function restoreAll(op: Op, plane: Plane): Promise<RestoreReport> {
  const { state } = plane
  const report: RestoreReport = { restored: 0, failed: [...state.bad] }
  const each = async <Spec extends { id: string }>(
    kind: string,
    shelf: Shelf<Spec>,
    work: (entry: Entry<Spec>, kernel: Kernel) => Promise<unknown>,
  ) => {
    const kernel = await readKernel(op, plane.namespace)
    for (const [id, entry] of shelf.entries) {
      try {
        await work(entry, kernel)
        report.restored += 1
      } catch (error) {
        op.log.error({ err: error, kind, id }, 'a recorded network resource could not be restored')
        report.failed.push({ kind, id, reason: error instanceof Error ? error.message : String(error) })
      }
    }
  }
  await each('network', state.networks, async ({ spec, slot }, kernel) => {
    await ensureBridge(op, plane, spec, slot, kernel)
    await ensureDhcp(op, plane, spec, kernel)
    await ensureExternal(op, plane, spec, kernel)
  })
  await each('addressSet', state.sets, async ({ spec }, kernel) => {
    const filter = addressSetFilter(spec.id, membersOf(spec.addresses))
    if (await kernel.rules.difference(op, filter)) await kernel.rules.apply(op, filter)
  })
  await each('router', state.routers, ({ spec }, kernel) => ensureRouterParts(op, plane, spec, kernel))
  await each('port', state.ports, async (entry, kernel) => {
    const network = state.networks.entries.get(entry.spec.networkId)
    if (!network)
      throw new DriverError('not_found', `Network ${entry.spec.networkId} is not recorded on this host.`)
    const wish = { entry, network }
    if (await portDifference(op, plane, wish, kernel)) await applyPort(op, plane, wish, kernel)
  })
  return report
}
