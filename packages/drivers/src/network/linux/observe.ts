import type { Op } from '../../op.ts'
import { digestsOf } from '../digest.ts'
import type { ObservedNetwork, ObservedPort } from '../interface.ts'
import { type Kernel, owned } from './kernel.ts'
import { idsOf } from './names.ts'
import { namespaceNames } from './namespace.ts'
import type { Plane } from './plane.ts'
import { portDifference } from './ports.ts'

const setPrefix = 'inet/members_'

/** Lists the resources in the kernel, also those without a record. Ids come from link aliases, namespaces and set names. */
export async function observe(op: Op, plane: Plane, kernel: Kernel): Promise<ObservedNetwork> {
  const names = namespaceNames()
  const networks = new Set([
    ...owned(kernel, 'network').map((item) => item.id),
    ...idsOf(plane.place, 'dhcp', names),
  ])
  const ports: ObservedPort[] = []
  for (const { id, link } of owned(kernel, 'port')) {
    const instanceId = plane.state.ports.entries.get(id)?.spec.instanceId ?? ''
    ports.push({ id, tap: link.name, state: await stateOf(op, plane, id, kernel), instanceId })
  }
  ports.sort((a, b) => a.id.localeCompare(b.id))
  const routers = idsOf(plane.place, 'router', names).sort()
  const addressSets = kernel.rules.sets
    .filter((key) => key.startsWith(setPrefix))
    .map((key) => key.slice(setPrefix.length).replaceAll('_', '-'))
    .sort()
  const there = new Set([...networks, ...ports.map((port) => port.id), ...routers, ...addressSets])
  return {
    networks: [...networks].sort(),
    ports,
    routers,
    addressSets,
    digests: digestsOf(plane.state.recorded, (id) => there.has(id) && plane.state.isWhole(id)),
  }
}

/** The state of a port: `active` only when it is up and everything about it, also its filter, is as recorded. */
async function stateOf(op: Op, plane: Plane, id: string, kernel: Kernel): Promise<ObservedPort['state']> {
  const entry = plane.state.ports.entries.get(id)
  const network = entry && plane.state.networks.entries.get(entry.spec.networkId)
  if (!entry || !network || !entry.spec.adminUp) return 'down'
  return (await portDifference(op, plane, { entry, network }, kernel)) === null ? 'active' : 'down'
}
