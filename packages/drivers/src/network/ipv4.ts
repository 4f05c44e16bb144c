import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

const { IPv4 } = ipaddr
type Address = ipaddr.IPv4

/**
 * Parses an address of four decimal parts; null for any other text. ipaddr.js also reads octal and hexadecimal parts
 * and short forms ("010.1"), as inet_aton does, and two programs may understand such a text as different addresses.
 */
const parse = (address: string): Address | null => (isIPv4(address) ? IPv4.parse(address) : null)

/** Parses `a.b.c.d/n` into the address, whose host bits may be set, and the length of its prefix; null for any other text. */
function parsePrefix(cidr: string): [Address, number] | null {
  const [, ip = '', length = ''] = /^([^/]+)\/(\d|[12]\d|3[0-2])$/.exec(cidr) ?? []
  const address = parse(ip)
  return address && [address, Number(length)]
}

const numberOf = (address: Address): number => Buffer.from(address.toByteArray()).readUInt32BE()

/** The four bytes of an address, as packets carry them. Throws RangeError when the text is no address. */
export function toBytes(address: string): Buffer {
  const parsed = parse(address)
  if (!parsed) throw new RangeError(`${address} is not an IPv4 address.`)
  return Buffer.from(parsed.toByteArray())
}

/** An address as an unsigned 32-bit number, for sums and comparisons, which ipaddr.js lacks. */
export const toNumber = (address: string): number => toBytes(address).readUInt32BE()

export function toAddress(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return new IPv4([...bytes]).toString()
}

export type Range = { first: number; last: number; prefix: number }

/** Parses `a.b.c.d/n` into the range of its whole network; host bits may be set. Null when the text is not a CIDR. */
export function parseCidr(cidr: string): Range | null {
  const parsed = parsePrefix(cidr)
  if (!parsed) return null
  const [address, prefix] = parsed
  const value = numberOf(address)
  const size = 2 ** (32 - prefix)
  const first = value - (value % size)
  return { first, last: first + size - 1, prefix }
}

/** The canonical form of a CIDR (no host bits), as nftables and dnsmasq want it. */
export function canonicalCidr(cidr: string): string | null {
  const range = parseCidr(cidr)
  return range && `${toAddress(range.first)}/${range.prefix}`
}

export function contains(cidr: string, address: string): boolean {
  const range = parsePrefix(cidr)
  return range !== null && (parse(address)?.match(range) ?? false)
}

export function overlaps(left: string, right: string): boolean {
  const a = parsePrefix(left)
  const b = parsePrefix(right)
  return a !== null && b !== null && a[0].match(b[0], Math.min(a[1], b[1]))
}

export const netmask = (prefix: number): string => IPv4.subnetMaskFromPrefixLength(prefix).toString()

/** "This network", loopback, the metadata service, multicast and reserved addresses. */
const ofNoMachine = ['0.0.0.0/8', '127.0.0.0/8', '169.254.169.254/32', '224.0.0.0/3'].map((cidr) =>
  IPv4.parseCIDR(cidr),
)

/** True for an address that a machine can have. */
export function isHostAddress(address: string): boolean {
  const parsed = parse(address)
  return parsed !== null && !ofNoMachine.some((range) => parsed.match(range))
}

/** The same addresses as canonical CIDRs, in order, without those that lie within another of them. */
export function outermost(cidrs: readonly string[]): string[] {
  const ranges = cidrs
    .flatMap((cidr) => parseCidr(cidr) ?? [])
    .sort((a, b) => a.first - b.first || a.prefix - b.prefix)
  let last = -1
  return ranges.flatMap((range) => {
    if (range.last <= last) return []
    last = range.last
    return [`${toAddress(range.first)}/${range.prefix}`]
  })
}
