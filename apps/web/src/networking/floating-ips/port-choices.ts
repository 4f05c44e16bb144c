import type { InstanceView } from '@stratolith/api/compute/contract'
import type { NetworkView } from '@stratolith/api/networking/contract'

type Choice = { value: string; label: string; disabled?: boolean }
type Instance = Pick<InstanceView, 'name' | 'addresses'>
type Network = Pick<NetworkView, 'id' | 'router'>

/**
 * Returns one choice for each port of an instance. Ports with a floating IP stay visible with the reason why they
 * cannot be chosen. Ports without a way out can be chosen, and the server says what is missing.
 */
export function portChoices(instances: readonly Instance[], networks: readonly Network[]): Choice[] {
  const routed = new Map(networks.map((network) => [network.id, Boolean(network.router?.externalAddress)]))
  const choices = instances.flatMap((instance) =>
    instance.addresses.map((address): Choice => {
      const label = `${instance.name} · ${address.address} (${address.networkName})`
      if (address.floatingIp)
        return { value: address.portId, label: `${label}: has ${address.floatingIp}`, disabled: true }
      return {
        value: address.portId,
        label: routed.get(address.networkId) === false ? `${label}: no router leads out` : label,
      }
    }),
  )
  // A port with two addresses is one choice, because the server takes its first address.
  return [...new Map(choices.toReversed().map((choice) => [choice.value, choice])).values()].toReversed()
}
