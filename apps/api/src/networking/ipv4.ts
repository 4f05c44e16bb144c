import { invalidInput } from '../kernel/errors.ts'

/** IPv4 arithmetic on unsigned 32-bit numbers. Inputs are checked by zod before they come here. */
export const toNumber = (ip: string): number => ip.split('.').reduce((n, part) => n * 256 + Number(part), 0)
export const fromNumber = (n: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.')

export type Cidr = {
  network: number
  prefix: number
  size: number
  first: number
  last: number
  text: string
}

/** The network that an address with a prefix is in: 10.0.0.7/24 is in 10.0.0.0/24. */
export function networkOf(text: string): string {
  const [ip = '', bits = ''] = text.split('/')
  const size = 2 ** (32 - Number(bits))
  return `${fromNumber(toNumber(ip) - (toNumber(ip) % size))}/${Number(bits)}`
}

/**
 * "10.0.0.0/24" as numbers; `first` and `last` are the usable host addresses. Refuses host bits
 * (10.0.0.5/24), and prefixes outside 8..30, which no guest network can use.
 */
export function parseCidr(text: string, field = 'cidr'): Cidr {
  const [ip = '', bits = ''] = text.split('/')
  const prefix = Number(bits)
  if (!Number.isInteger(prefix) || prefix < 8 || prefix > 30)
    throw invalidInput('A subnet has a prefix between /8 and /30, like 10.0.0.0/24.', field)
  const size = 2 ** (32 - prefix)
  const address = toNumber(ip)
  const network = address - (address % size)
  if (network !== address)
    throw invalidInput(
      `${text} has bits set behind its prefix. Did you mean ${fromNumber(network)}/${prefix}?`,
      field,
    )
  if (
    inBlock(network, '0.0.0.0', 8) ||
    inBlock(network, '127.0.0.0', 8) ||
    inBlock(network, '169.254.0.0', 16) ||
    network >= toNumber('224.0.0.0')
  )
    throw invalidInput(
      `${text} is reserved (loopback, link-local or multicast). Use a private range like 10.0.0.0/24.`,
      field,
    )
  return { network, prefix, size, first: network + 1, last: network + size - 2, text }
}

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

function inBlock(n: number, base: string, prefix: number): boolean {
  const size = 2 ** (32 - prefix)
  const start = toNumber(base)
  return n >= start && n < start + size
}

/** Ranges that ports get addresses of: the pool without the gateway's. */
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
    .map(([first, last]) => ({ start: fromNumber(first), end: fromNumber(last) }))
}
