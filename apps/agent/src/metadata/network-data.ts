import type { RecordedPort, SubnetSpec } from '@stratolith/drivers/network/interface'
import { netmask } from '@stratolith/drivers/network/ipv4'

/** network_data.json: one link a port, one network an address (ipv4_dhcp, or static without DHCP). */
export function networkData(ports: readonly RecordedPort[]): object {
  const links = ports.map(({ port }) => ({
    id: linkOf(port.id),
    vif_id: port.id,
    type: 'bridge',
    mtu: port.mtu,
    ethernet_mac_address: port.mac,
  }))
  const networks: object[] = []
  const servers = new Set<string>()
  for (const { port, network } of ports) {
    for (const { subnetId, ip, prefix } of port.addresses) {
      const subnet = network.subnets.find(({ id }) => id === subnetId)
      for (const server of subnet?.dns ?? []) servers.add(server)
      const common = { id: `network${networks.length}`, link: linkOf(port.id), network_id: network.id }
      networks.push(
        subnet?.dhcp ? { ...common, type: 'ipv4_dhcp' } : { ...common, ...fixed(ip, prefix, subnet) },
      )
    }
  }
  return { links, networks, services: [...servers].map((address) => ({ type: 'dns', address })) }
}

const linkOf = (portId: string) => `tap${portId.slice(0, 11)}`

function fixed(ip: string, prefix: number, subnet: SubnetSpec | undefined): object {
  const routes = subnet?.gatewayIp
    ? [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: subnet.gatewayIp }]
    : []
  const services = (subnet?.dns ?? []).map((address) => ({ type: 'dns', address }))
  return { type: 'ipv4', ip_address: ip, netmask: netmask(prefix), routes, services }
}
