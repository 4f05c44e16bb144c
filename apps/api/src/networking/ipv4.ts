import {
  contains as isWithin,
  parseCidr as rangeOf,
  toAddress,
  toNumber,
} from '@stratolith/drivers/network/ipv4'
import { invalidInput } from '../kernel/errors.ts'

/** “10.0.0.5/24” → “10.0.0.0/24”: Neutron corrects a range in this way, and this cloud's portal asks the user. */
export { canonicalCidr } from '@stratolith/drivers/network/ipv4'

export type Cidr = {
  network: number
  prefix: number
  size: number
  first: number
  last: number
  text: string
}

/**
 * "10.0.0.0/24" as numbers; `first` and `last` are the usable host addresses. Refuses host bits
 * (10.0.0.5/24), and prefixes outside 8..30, which no guest network can use.
 */
export function parseCidr(text: string, field = 'cidr'): Cidr {
  const range = rangeOf(text)
  if (!range || range.prefix < 8 || range.prefix > 30)
    throw invalidInput('A subnet has a prefix between /8 and /30, like 10.0.0.0/24.', field)
  const { first: network, last: broadcast, prefix } = range
  const canonical = `${toAddress(network)}/${prefix}`
  if (canonical !== text)
    throw invalidInput(`${text} has bits set behind its prefix. Did you mean ${canonical}?`, field)
  if (reserved.some((cidr) => isWithin(cidr, toAddress(network))))
    throw invalidInput(
      `${text} is reserved (loopback, link-local or multicast). Use a private range like 10.0.0.0/24.`,
      field,
    )
  return { network, prefix, size: broadcast - network + 1, first: network + 1, last: broadcast - 1, text }
}
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

export const contains = (cidr: Cidr, ip: string): boolean => {
  const n = toNumber(ip)
  return n >= cidr.first && n <= cidr.last
}
export const overlaps = (a: Cidr, b: Cidr): boolean =>
  a.network < b.network + b.size && b.network < a.network + a.size

/** How many guests a subnet has addresses for: its pool, without those of the gateway and the DHCP server. */
export function guestAddresses(subnet: {
  poolStart: string
  poolEnd: string
  gatewayIp: string | null
  dhcpIp: string | null
}): number {
  const [start, end] = [toNumber(subnet.poolStart), toNumber(subnet.poolEnd)]
  const reserved = [subnet.gatewayIp, subnet.dhcpIp].flatMap((ip) => (ip === null ? [] : toNumber(ip)))
  return end - start + 1 - reserved.filter((n) => n >= start && n <= end).length
}

/** Returns the ranges from which ports get addresses: the pool without the gateway's address. */
export function allocationPools(row: {
  poolStart: string
  poolEnd: string
  gatewayIp: string | null
}): { start: string; end: string }[] {
  const [start, end] = [toNumber(row.poolStart), toNumber(row.poolEnd)]
  const gateway = row.gatewayIp === null ? -1 : toNumber(row.gatewayIp)
  const ranges =
    gateway < start || gateway > end
      ? [[start, end] as const]
      : [[start, gateway - 1] as const, [gateway + 1, end] as const]
  return ranges
    .filter(([first, last]) => first <= last)
    .map(([first, last]) => ({ start: toAddress(first), end: toAddress(last) }))
}
