import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import type { NetworkSpec, RestoreReport } from '../interface.ts'
import { ensureBridge, removeBridge } from './bridges.ts'
import { ensureDhcp, removeDhcp } from './dhcp.ts'
import { ensureExternal, removeExternal } from './external.ts'
import { addressSetFilter } from './filter.ts'
import { type Kernel, readKernel } from './kernel.ts'
import type { Plane } from './plane.ts'
import { applyPort, ensureSetParts, finishPort, portDifference, removePortParts } from './ports.ts'
import { ensureRouterParts, removeRouterParts } from './routers.ts'
import type { Entry, Shelf } from './state.ts'

/** Removes everything that a network has in the kernel. */
export async function dropNetwork(op: Op, plane: Plane, { spec, slot }: Entry<NetworkSpec>): Promise<void> {
  const kernel = await readKernel(op, plane.namespace)
  await removeExternal(op, plane, spec, kernel)
  await removeDhcp(op, plane, spec, kernel)
  await removeBridge(op, plane, spec, slot, kernel)
}

/**
 * Makes the kernel equal to the record, resource by resource, and leaves alone what is right already. It also finishes
 * what was begun: a removal goes on, and a change that has a mark in the record is made as a whole.
 */
export async function restoreAll(op: Op, plane: Plane): Promise<RestoreReport> {
  const report: RestoreReport = { restored: 0, failed: [...plane.state.bad] }
  await goOnRemoving(op, plane, report)
  await putBack(op, plane, report)
  return report
}

/** Runs `work` for all entries of a shelf; an entry that fails is reported and stops none of the others. */
async function each<Spec extends { id: string }>(
  { op, plane, report }: { op: Op; plane: Plane; report: RestoreReport },
  kind: string,
  entries: readonly Entry<Spec>[],
  work: (entry: Entry<Spec>, kernel: Kernel) => Promise<unknown>,
): Promise<void> {
  if (entries.length === 0) return
  const kernel = await readKernel(op, plane.namespace)
  for (const entry of entries) {
    const { id } = entry.spec
    try {
      await work(entry, kernel)
      report.restored += 1
    } catch (error) {
      op.log.error({ err: error, kind, id }, 'a recorded network resource could not be restored')
      report.failed.push({ kind, id, reason: error instanceof Error ? error.message : String(error) })
    }
  }
}

/** Finishes removals. This comes before anything is restored, because the address of a removed resource may be in the way of another. */
async function goOnRemoving(op: Op, plane: Plane, report: RestoreReport): Promise<void> {
  const { networks, ports, routers, sets } = plane.state
  const all = { op, plane, report }
  await each(all, 'port', leaving(ports), async (entry, kernel) => {
    await removePortParts(op, plane, entry.spec.id, entry, kernel)
    await ports.remove(entry.spec.id)
  })
  await each(all, 'router', leaving(routers), async ({ spec }, kernel) => {
    await removeRouterParts(op, plane, spec.id, spec, kernel)
    await routers.remove(spec.id)
  })
  await each(all, 'addressSet', leaving(sets), async ({ spec }, kernel) => {
    await kernel.rules.remove(op, addressSetFilter(spec.id, []))
    await sets.remove(spec.id)
  })
  await each(all, 'network', leaving(networks), async (entry) => {
    await dropNetwork(op, plane, entry)
    await networks.remove(entry.spec.id)
  })
}

async function putBack(op: Op, plane: Plane, report: RestoreReport): Promise<void> {
  const { networks, ports, routers, sets } = plane.state
  const all = { op, plane, report }
  await each(all, 'network', staying(networks), async ({ spec, slot }, kernel) => {
    await ensureBridge(op, plane, spec, slot, kernel)
    await ensureDhcp(op, plane, spec, kernel, { again: true })
    await ensureExternal(op, plane, spec, kernel)
  })
  await each(all, 'addressSet', staying(sets), async (entry, kernel) => {
    await ensureSetParts(op, plane, entry, kernel)
    if (entry.pending) await sets.finish(entry)
  })
  await each(all, 'router', staying(routers), async (entry, kernel) => {
    await ensureRouterParts(op, plane, entry, kernel)
    if (entry.pending) await routers.finish(entry)
  })
  await each(all, 'port', staying(ports), async (entry, kernel) => {
    const network = networks.entries.get(entry.spec.networkId)
    if (!network)
      throw new DriverError('not_found', `Network ${entry.spec.networkId} is not recorded on this host.`)
    const port = { entry, network }
    if (await portDifference(op, plane, port, kernel)) await applyPort(op, plane, port, kernel)
    if (entry.pending) await finishPort(op, plane, port, entry)
  })
}

const leaving = <Spec extends { id: string }>({ entries }: Shelf<Spec>) =>
  [...entries.values()].filter((entry) => entry.leaving)
const staying = <Spec extends { id: string }>({ entries }: Shelf<Spec>) =>
  [...entries.values()].filter((entry) => !entry.leaving)
