import type { NetworkView, PortView } from '@stratolith/api/networking/contract'

type Choice = { value: string; label: string; disabled?: boolean }
type Port = Pick<PortView, 'id' | 'networkId' | 'networkName' | 'device' | 'addresses'>
type Network = Pick<NetworkView, 'id' | 'router'>

/**
 * Returns one choice for each port of an instance. Ports with a floating IP stay visible with the reason why they
 * cannot be chosen. Ports without a way out can be chosen, and the server says what is missing.
 */
export function portChoices(ports: readonly Port[], networks: readonly Network[]): Choice[] {
  const routed = new Map(networks.map((network) => [network.id, Boolean(network.router?.externalAddress)]))
  return ports.flatMap((port): Choice[] => {
    // A port with two addresses is one choice, because the server takes its first address.
    const [first] = port.addresses
    if (!first) return []
    const label = `${port.device?.name ?? 'Instance'} · ${first.address} (${port.networkName})`
    if (first.floatingIp)
      return [{ value: port.id, label: `${label}: has ${first.floatingIp.address}`, disabled: true }]
    return [
      {
        value: port.id,
        label: routed.get(port.networkId) === false ? `${label}: no router leads out` : label,
      },
    ]
  })
}
