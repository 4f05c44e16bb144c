import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** `text` is the address and the prefix in their usual form; `network` has the bits behind the prefix set to zero. */
type Prefix = { ethertype: 'IPv4' | 'IPv6'; text: string; network: string }

/** "10.0.0.7/24", "2001:DB8:0::1" → their usual form; null for text that is no address, with or without a prefix. */
export function normalPrefix(text: string): Prefix | null {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim())
  const address = match?.[1] ?? ''
  // ipaddr.js also reads other forms, such as octal parts ("010.0.0.1"), so Node's checks come first.
  const ethertype = isIPv4(address) ? 'IPv4' : isIPv6(address) ? 'IPv6' : null
  // An IPv4 address inside of an IPv6 address is refused, because the filter would never match it.
  if (ethertype === null || (ethertype === 'IPv6' && address.includes('.'))) return null
  const bits = ethertype === 'IPv4' ? 32 : 128
  const prefix = Number(match?.[2] ?? bits)
  if (prefix > bits) return null
  const network = ipaddr[ethertype].networkAddressFromCIDR(`${address}/${prefix}`)
  return {
    ethertype,
    text: `${ipaddr.parse(address).toString()}/${prefix}`,
    network: `${network.toString()}/${prefix}`,
  }
}
