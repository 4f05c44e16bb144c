import { createHash } from 'node:crypto'
import { DriverError } from '../../errors.ts'

/**
 * Every kernel name that this driver makes. Names of links have at most 15 characters (IFNAMSIZ - 1) and are made of
 * the cloud's short id and a tag. Names of namespaces have no such limit and contain the id itself, so that the cloud,
 * host, kind and resource of a namespace are known without any file.
 */
export type Place = { cloud: string; host: string }

export function checkPlace(place: Place): Place {
  if (!/^[a-z0-9]{4,6}$/.test(place.cloud))
    throw new DriverError('invalid', `Cloud id '${place.cloud}' must be 4 to 6 lower-case letters or digits.`)
  if (!/^[a-z0-9](?:[a-z0-9-]{0,62})$/.test(place.host))
    throw new DriverError(
      'invalid',
      `Host name '${place.host}' must be lower-case letters, digits and dashes.`,
    )
  return place
}

/** The name of a host's data-plane namespace, in which bridges, taps and QEMU live. */
export function hostNamespace({ cloud, host }: Place): string {
  return `st${cloud}-${host}`
}
export function dhcpNamespace(place: Place, networkId: string): string {
  return `${hostNamespace(place)}.dhcp.${networkId}`
}
export function routerNamespace(place: Place, routerId: string): string {
  return `${hostNamespace(place)}.router.${routerId}`
}
/** The ids of the resources that have a namespace of this kind among `names`. */
export function idsOf(place: Place, kind: 'dhcp' | 'router', names: readonly string[]): string[] {
  const head = `${hostNamespace(place)}.${kind}.`
  return names.filter((name) => name.startsWith(head)).map((name) => name.slice(head.length))
}
/** True when the namespace belongs to this cloud and, if given, to this host. */
export function isOurs(name: string, cloud: string, host?: string): boolean {
  if (host === undefined) return name.startsWith(`st${cloud}-`)
  const own = hostNamespace({ cloud, host })
  return name === own || name.startsWith(`${own}.`)
}

const short = (tag: number) => tag.toString(36)
const digest = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length)

export const bridgeName = ({ cloud }: Place, tag: number) => `br${cloud}${short(tag)}`
export const tapName = ({ cloud }: Place, tag: number) => `tap${cloud}${short(tag)}`
/** The bridge end of the DHCP server's veth pair; the other end is `dhcp0` in the DHCP namespace. */
export const dhcpPeer = ({ cloud }: Place, tag: number) => `dh${cloud}${short(tag)}`
/** The bridge end of a router's gateway pair; the other end is `gw0` in the router's namespace. */
export const gatewayPeer = ({ cloud }: Place, tag: number) => `rg${cloud}${short(tag)}`
/** The bridge end and the router end of a router's interface. */
export const interfacePeer = (portId: string) => `rp${digest(portId, 12)}`
export const interfaceName = (portId: string) => `qr${digest(portId, 12)}`
/** The gateway pair of an external network: `xg…` carries the address, `xp…` is plugged into the bridge. */
export const externalGateway = ({ cloud }: Place, tag: number) => `xg${cloud}${short(tag)}`
export const externalPeer = ({ cloud }: Place, tag: number) => `xp${cloud}${short(tag)}`
/** The uplink pair between the data plane and the machine: this end is on the machine, `up0` is in the data plane. */
export const uplinkName = ({ cloud, host }: Place) => `st${cloud}-${digest(host, 6)}`
export const uplinkPeer = 'up0'
/** True for the machine's end of any cloud's uplink. All such links are in one link group, which nft can match. */
export const isUplink = (name: string) => /^st[a-z0-9]{4,6}-[0-9a-f]{6}$/.test(name)
export const uplinkGroup = 21_331

/** The name of our nft table on the machine itself (egress 'on'), one for each host of a cloud. */
export const machineTable = ({ cloud, host }: Place) => `stratolith_${cloud}_${digest(host, 6)}`
export const machineTablePrefix = (cloud: string) => `stratolith_${cloud}_`

/** A locally administered MAC address, always the same for the same words. */
export function stableMac(...words: string[]): string {
  const hex = digest(words.join('/'), 10)
  return ['02', ...(hex.match(/../g) ?? [])].join(':')
}

/** An nft identifier for an id. nft allows no dashes; ids have no underscores, so different ids get different identifiers. */
export const identifier = (id: string) => id.replaceAll('-', '_')
