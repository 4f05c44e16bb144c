import type { InstanceAddress } from '@stratolith/api/compute/contract'
import type { FloatingIpView } from '@stratolith/api/networking/contract'

type Choice = { value: string; label: string }

/** Returns the ports of an instance without a floating IP; a port with two addresses is one choice. */
export const freeAddresses = (
  addresses: readonly Pick<InstanceAddress, 'portId' | 'address' | 'networkName' | 'floatingIp'>[],
): Choice[] => {
  const taken = new Set(addresses.flatMap((one) => (one.floatingIp ? [one.portId] : [])))
  const free = addresses.filter(({ portId }) => !taken.has(portId))
  const labels = new Map(
    free.toReversed().map((one) => [one.portId, `${one.address} (${one.networkName})`] as const),
  )
  return [...labels].toReversed().map(([value, label]) => ({ value, label }))
}

const prefix = 'new:'
/**
 * Returns the external network on which a new floating IP is wanted; null: the choice is a floating IP of the project.
 */
export const newOne = (source: string): string | null =>
  source.startsWith(prefix) ? source.slice(prefix.length) : null

/** Returns the choices: first the project's unused floating IPs, then a new one on each external network. */
export const sources = (
  own: readonly Pick<FloatingIpView, 'id' | 'address' | 'portId' | 'networkName'>[],
  networks: readonly { id: string; name: string }[],
): Choice[] => [
  ...own
    .filter(({ portId }) => portId === null)
    .map(({ id, address, networkName }) => ({ value: id, label: `${address} (${networkName})` })),
  ...networks.map(({ id, name }) => ({ value: `${prefix}${id}`, label: `A new one of ${name}` })),
]
