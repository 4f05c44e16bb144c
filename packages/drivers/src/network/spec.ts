import { isIP, isIPv6 } from 'node:net'
import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { contains, isHostAddress, overlaps, parseCidr } from './ipv4.ts'

/**
 * The grammar of all values that reach nft, ip and dnsmasq. A value that passes contains no newline, no
 * blank and no option, so that the code which writes commands and files need not quote. (A09, A11.)
 */
export const id = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/, 'is not an id')
const tag = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)
const mtu = z.int().min(576).max(65_535)
const host = z.string().refine(isHostAddress, 'is not an IPv4 address of a machine')
const cidr4 = z.string().refine((text) => parseCidr(text) !== null, 'is not an IPv4 CIDR')
const prefix = z.int().min(0).max(32)
const mac = z
  .string()
  .regex(/^[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}$/, 'is not a unicast MAC address')
  .transform((text) => text.toLowerCase())
  .refine((text) => text !== '00:00:00:00:00:00', 'is not a unicast MAC address')
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const hostname = z
  .string()
  .max(253)
  .regex(new RegExp(`^(?:${label}(?:\\.${label})*)?$`), 'is not a host name')

/** A subnet; `dhcpIp` is the address of the DHCP server itself, null when dhcp is off. */
export const subnetSpec = z
  .object({
    id,
    cidr: cidr4,
    gatewayIp: host.nullable(),
    dhcp: z.boolean(),
    dhcpIp: host.nullable(),
    dns: z.array(host).max(bounds.dnsOfSubnet),
  })
  .refine((s) => s.gatewayIp === null || contains(s.cidr, s.gatewayIp), 'has its gateway outside of its CIDR')
  .refine((s) => s.dhcpIp === null || contains(s.cidr, s.dhcpIp), 'has its DHCP address outside of its CIDR')
  .refine((s) => !s.dhcp || s.dhcpIp !== null, 'has DHCP on but no DHCP address')

/** A network; `tag` is a small positive number, unique in the cloud, from which names in the kernel are made. */
export const networkSpec = z
  .object({ id, tag, mtu, external: z.boolean(), subnets: z.array(subnetSpec).max(bounds.subnetsOfNetwork) })
  .refine(
    (n) => n.subnets.every((a, i) => n.subnets.slice(i + 1).every((b) => !overlaps(a.cidr, b.cidr))),
    'has overlapping subnets',
  )

/** Protocols whose packets have ports, by IP protocol number: tcp, udp, dccp, sctp, udplite. */
export const portProtocols: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [33, 'dccp'],
  [132, 'sctp'],
  [136, 'udplite'],
])

function familyMatches(rule: { ethertype: string; remote: { cidr: string } | object | null }): boolean {
  if (!rule.remote || !('cidr' in rule.remote)) return true
  if (rule.ethertype === 'IPv4') return parseCidr(rule.remote.cidr) !== null
  const [address = '', length = '', ...rest] = rule.remote.cidr.split('/')
  return rest.length === 0 && isIPv6(address) && /^\d{1,3}$/.test(length) && Number(length) <= 128
}

function portsFit(rule: {
  protocol: number | null
  portMin: number | null
  portMax: number | null
}): boolean {
  const { protocol, portMin, portMax } = rule
  if (portMin === null) return portMax === null
  if (protocol === 1 || protocol === 58) return portMin <= 255 && (portMax === null || portMax <= 255)
  return protocol !== null && portProtocols.has(protocol) && portMax !== null && portMin <= portMax
}

/**
 * A rule that allows traffic; other traffic is dropped, and replies in allowed flows pass. Unlike elsewhere, an unknown
 * field is refused here: it might be a condition, without which the rule would allow too much.
 */
export const filterRule = z
  .strictObject({
    direction: z.enum(['ingress', 'egress']),
    ethertype: z.enum(['IPv4', 'IPv6']),
    /** The number of an IP protocol; null: all protocols. */
    protocol: z.int().min(0).max(255).nullable(),
    /** The first and last port for TCP, UDP and the like; type and code for ICMP. Null: all. */
    portMin: z.int().min(0).max(65_535).nullable(),
    portMax: z.int().min(0).max(65_535).nullable(),
    remote: z
      .union([z.strictObject({ cidr: z.string().max(64) }), z.strictObject({ addressSet: id })])
      .nullable(),
  })
  .refine(familyMatches, 'has a CIDR that is not of its ethertype')
  .refine(portsFit, 'has ports that do not fit its protocol')

/** A port; `projectId` and `instanceId` are "" when there is none. */
export const portSpec = z
  .object({
    id,
    tag,
    networkId: id,
    mac,
    mtu,
    addresses: z.array(z.object({ subnetId: id, ip: host, prefix })).max(bounds.addressesOfPort),
    hostname: hostname.or(z.literal('')),
    instanceId: id.or(z.literal('')),
    projectId: id.or(z.literal('')),
    /** False: neither filtering nor anti-spoofing (only the owner of the network may ask for that). */
    portSecurity: z.boolean(),
    adminUp: z.boolean(),
    rules: z.array(filterRule).max(bounds.rulesOfPort),
  })
  .refine((p) => new Set(p.addresses.map((a) => a.ip)).size === p.addresses.length, 'has an address twice')

export const routerSpec = z
  .object({
    id,
    tag,
    adminUp: z.boolean(),
    external: z.object({ networkId: id, address: host, prefix, gatewayIp: host }).nullable(),
    interfaces: z
      .array(z.object({ portId: id, networkId: id, mac, address: host, prefix }))
      .max(bounds.interfacesOfRouter),
    floatingIps: z.array(z.object({ id, address: host, fixedAddress: host })).max(bounds.floatingIpsOfRouter),
  })
  .refine(
    (r) => r.external !== null || r.floatingIps.length === 0,
    'has floating IPs but no external gateway',
  )
  .refine((r) => new Set(r.interfaces.map((i) => i.portId)).size === r.interfaces.length, 'has a port twice')
  .refine((r) => {
    const all = r.floatingIps.map((f) => f.address)
    return new Set(all).size === all.length && (!r.external || !all.includes(r.external.address))
  }, 'has a floating IP twice')
  .refine((r) => {
    const all = r.floatingIps.map((f) => f.fixedAddress)
    return new Set(all).size === all.length
  }, 'has two floating IPs for one fixed address')
  .refine((r) => {
    const cidrs = r.interfaces.map((i) => `${i.address}/${i.prefix}`)
    return cidrs.every((a, i) => cidrs.slice(i + 1).every((b) => !overlaps(a, b)))
  }, 'has interfaces whose subnets overlap')

/** The addresses of a security group's members, for rules that name the group. */
export const addressSetSpec = z.object({
  id,
  addresses: z
    .array(z.string().refine((text) => isIP(text) !== 0, 'is not an IP address'))
    .max(bounds.membersOfSet),
})
