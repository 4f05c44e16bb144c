import { Anchor, Text } from '@mantine/core'
import type { PortView } from '@stratolith/api/networking/contract'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'

type Device = Pick<PortView, 'deviceOwner' | 'deviceId'>

export const isInstancePort = (port: Device): boolean => port.deviceOwner.startsWith('compute:')
/** Answers whether a router or a floating IP has made the port and decides about its addresses. */
export const isOfNetwork = (port: Device): boolean => port.deviceOwner.startsWith('network:')

/** Returns the title of a port, also of one without a name. */
export const portTitle = (port: Pick<PortView, 'name' | 'addresses' | 'mac'>): string =>
  port.name || port.addresses[0]?.address || port.mac

/** Returns in words what the port belongs to. */
function deviceText(port: Device & Pick<PortView, 'device'>): string {
  const name = port.device?.name ?? null
  if (name === null) return kindText(port)
  if (isInstancePort(port)) return name
  return port.deviceOwner === 'network:router_gateway' ? `Gateway of ${name}` : `Router ${name}`
}

function kindText(port: Device): string {
  if (isInstancePort(port)) return 'Instance'
  switch (port.deviceOwner) {
    case 'network:router_interface':
      return 'Router'
    case 'network:router_gateway':
      return 'Gateway of a router'
    case 'network:floatingip':
      return 'Floating IP'
    case 'network:dhcp':
      return 'DHCP'
    default:
      return port.deviceOwner || 'Not in use'
  }
}

/** Links to the page of the thing that the port belongs to. */
export function DeviceLink({ port }: { port: Device & Pick<PortView, 'device'> }) {
  const href = hrefOf(port)
  if (!href) return <Text size="sm">{deviceText(port)}</Text>
  return (
    <Anchor component={Link} href={href} size="sm" style={{ overflowWrap: 'anywhere' }}>
      {deviceText(port)}
    </Anchor>
  )
}

function hrefOf(port: Device): string | null {
  if (isInstancePort(port)) return paths.instance(port.deviceId, 'interfaces')
  if (port.deviceOwner.startsWith('network:router_')) return paths.router(port.deviceId)
  if (port.deviceOwner === 'network:floatingip') return paths.floatingIps
  return null
}
