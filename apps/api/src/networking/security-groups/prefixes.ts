import { isIPv4, isIPv6 } from 'node:net'

/** `text` is the prefix in its usual form, `network` the same without the bits behind its prefix. */
type Prefix = { ethertype: 'IPv4' | 'IPv6'; text: string; network: string }

/** "10.0.0.7/24", "2001:DB8:0::1" → their usual form; null for what is no address with a prefix. */
export function normalPrefix(text: string): Prefix | null {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim())
  const address = match?.[1] ?? ''
  const ethertype = isIPv4(address) ? 'IPv4' : isIPv6(address) ? 'IPv6' : null
  // IPv4 in an address of IPv6: the filter would never match it.
  if (ethertype === null || (ethertype === 'IPv6' && address.includes('.'))) return null
  const bits = ethertype === 'IPv4' ? 32 : 128
  const prefix = Number(match?.[2] ?? bits)
  if (prefix > bits) return null
  const host = BigInt(bits - prefix)
  const value = ethertype === 'IPv4' ? ipv4Value(address) : ipv6Value(address)
  return {
    ethertype,
    text: `${textOf(value, ethertype)}/${prefix}`,
    network: `${textOf((value >> host) << host, ethertype)}/${prefix}`,
  }
}

const ipv4Value = (address: string): bigint =>
  address.split('.').reduce((n, part) => n * 256n + BigInt(part), 0n)

function ipv6Value(address: string): bigint {
  const [left = [], right = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.reduce((n, group) => n * 65_536n + BigInt(`0x${group}`), 0n)
}

function textOf(value: bigint, ethertype: Prefix['ethertype']): string {
  const parts = ethertype === 'IPv4' ? { count: 4, bits: 8n } : { count: 8, bits: 16n }
  const numbers = Array.from({ length: parts.count }, (_, i) =>
    Number((value >> (BigInt(parts.count - 1 - i) * parts.bits)) & ((1n << parts.bits) - 1n)),
  )
  if (ethertype === 'IPv4') return numbers.join('.')
  // The platform shortens zeros as everybody does.
  return new URL(`http://[${numbers.map((n) => n.toString(16)).join(':')}]`).hostname.slice(1, -1)
}
