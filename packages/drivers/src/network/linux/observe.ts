import { digestsOf } from '../digest.ts'
import type { ObservedNetwork, ObservedPort } from '../interface.ts'
import { type Kernel, owned } from './kernel.ts'
import { idsOf } from './names.ts'
import { namespaceNames } from './namespace.ts'
import type { Plane } from './plane.ts'
import { portDifference } from './ports.ts'

const setPrefix = 'inet/members_'

/** What is in the kernel, also what no record knows. Ids come from link aliases, namespaces and set names. */
export function observe(plane: Plane, kernel: Kernel): ObservedNetwork {
  const names = namespaceNames()
  const networks = new Set([
    ...owned(kernel, 'network').map((item) => item.id),
    ...idsOf(plane.place, 'dhcp', names),
  ])
  const ports = owned(kernel, 'port')
    .map(
      (item): ObservedPort => ({
        id: item.id,
        tap: item.link.name,
        state: stateOf(plane, item.id, kernel),
        instanceId: plane.state.ports.entries.get(item.id)?.spec.instanceId ?? '',
      }),
    )
    .sort((a, b) => a.id.localeCompare(b.id))
  const routers = idsOf(plane.place, 'router', names).sort()
  const addressSets = [...kernel.rules.sets.keys()]
    .filter((key) => key.startsWith(setPrefix))
    .map((key) => key.slice(setPrefix.length).replaceAll('_', '-'))
    .sort()
  const there = new Set([...networks, ...ports.map((port) => port.id), ...routers, ...addressSets])
  return {
    networks: [...networks].sort(),
    ports,
    routers,
    addressSets,
    digests: digestsOf(plane.state.recorded, (id) => there.has(id)),
  }
}

/** A port works when it is up and everything about it, filter included, is as recorded. */
function stateOf(plane: Plane, id: string, kernel: Kernel): ObservedPort['state'] {
  const entry = plane.state.ports.entries.get(id)
  const network = entry && plane.state.networks.entries.get(entry.spec.networkId)
  if (!entry || !network || !entry.spec.adminUp) return 'down'
  return portDifference(plane, { entry, network }, kernel) === null ? 'active' : 'down'
}
