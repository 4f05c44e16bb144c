import { isIPv4 } from 'node:net'

/** An IPv4 address as an unsigned 32-bit number; null when the text is not one. */
export function toNumber(address: string): number | null {
  if (!isIPv4(address)) return null
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

export type Range = { first: number; last: number; prefix: number }

/** Parses `a.b.c.d/n`. Host bits may be set: the range is that of the network around it. Null: not a CIDR. */
export function parseCidr(cidr: string): Range | null {
  const [address = '', length = '', ...rest] = cidr.split('/')
  const value = toNumber(address)
  if (value === null || rest.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(length)) return null
  const size = 2 ** (32 - Number(length))
  const first = value - (value % size)
  return { first, last: first + size - 1, prefix: Number(length) }
}

/** The canonical form of a CIDR (no host bits), as nftables and dnsmasq want it. */
export function canonicalCidr(cidr: string): string | null {
  const range = parseCidr(cidr)
  return range && `${toAddress(range.first)}/${range.prefix}`
}

export function contains(cidr: string, address: string): boolean {
  const range = parseCidr(cidr)
  const value = toNumber(address)
  return range !== null && value !== null && value >= range.first && value <= range.last
}

export function overlaps(left: string, right: string): boolean {
  const a = parseCidr(left)
  const b = parseCidr(right)
  return a !== null && b !== null && a.first <= b.last && b.first <= a.last
}

export function netmask(prefix: number): string {
  return toAddress(prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0)
}

/** True for an address that one machine can have: not 0/8, loopback, multicast, reserved or the metadata service's. */
export function isHostAddress(address: string): boolean {
  const value = toNumber(address)
  if (value === null || address === '169.254.169.254') return false
  const top = value >>> 24
  return top !== 0 && top !== 127 && top < 224
}

/** The same addresses in as few words: canonical CIDRs, none of which lies within another, in order. */
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
