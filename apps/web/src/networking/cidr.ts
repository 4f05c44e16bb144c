import ipaddr from 'ipaddr.js'

const { IPv4 } = ipaddr
type Range = { network: ipaddr.IPv4; prefix: number }

/** ipaddr.js also reads octal parts and short forms ("010.1"), which the server refuses. */
const isAddress = (text: string): boolean => IPv4.isValidFourPartDecimal(text)

const reserved = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map((cidr) =>
  IPv4.parseCIDR(cidr),
)

/**
 * Returns the range, or the sentence why the text is no range. The rules are the server's, so that a mistake is shown
 * while the person types.
 */
function parseCidr(text: string): Range | string {
  if (text.includes(':')) return 'This cloud has IPv4 alone. Write the range as 10.0.0.0/24.'
  const [ip = '', bits = '', ...more] = text.trim().split('/')
  if (more.length > 0 || !isAddress(ip) || !/^\d{1,2}$/.test(bits)) return 'Write it as 10.0.0.0/24.'
  const prefix = Number(bits)
  if (prefix < 8 || prefix > 30) return 'A subnet has a prefix between /8 and /30, like 10.0.0.0/24.'
  const network = IPv4.networkAddressFromCIDR(`${ip}/${prefix}`)
  if (network.toString() !== ip)
    return `It has bits set behind its prefix. Did you mean ${network}/${prefix}?`
  if (reserved.some((range) => network.match(range)))
    return 'It is reserved (loopback, link-local or multicast). Use a private range like 10.0.0.0/24.'
  return { network, prefix }
}

const overlap = (a: Range, b: Range): boolean => a.network.match(b.network, Math.min(a.prefix, b.prefix))

const broadcastOf = ({ network, prefix }: Range): ipaddr.IPv4 =>
  IPv4.broadcastAddressFromCIDR(`${network}/${prefix}`)

/** Returns the first and the last address that a machine can have; a range has at least four addresses. */
function usable(range: Range): { first: string; last: string } {
  const beside = (address: ipaddr.IPv4, by: number) =>
    new IPv4(address.toByteArray().map((part, at) => (at === 3 ? part + by : part))).toString()
  return { first: beside(range.network, 1), last: beside(broadcastOf(range), -1) }
}

/**
 * Returns null when the range can be used. `taken` are the ranges of the same network or, for a warning, of other
 * networks.
 */
export function cidrProblem(text: string, taken: readonly string[] = []): string | null {
  const range = parseCidr(text)
  if (typeof range === 'string') return range
  const clash = clashOf(range, taken)
  return clash === null ? null : `It overlaps with ${clash} of the same network. Choose another range.`
}

/** Warns of a range of another network that a router could not join with this one; null: there is none. */
export function cidrWarning(text: string, others: readonly string[]): string | null {
  const range = parseCidr(text)
  if (typeof range === 'string') return null
  const clash = clashOf(range, others)
  return clash === null ? null : `${clash} of another network overlaps: one router could not join both.`
}

function clashOf(range: Range, taken: readonly string[]): string | null {
  return (
    taken.find((other) => {
      const parsed = parseCidr(other)
      return typeof parsed !== 'string' && overlap(parsed, range)
    }) ?? null
  )
}

/** Returns the first 10.0.N.0/24 that nothing uses; after these come 10.N.0.0/24 and 192.168.N.0/24. */
export function suggestCidr(taken: readonly string[]): string {
  const candidates = [
    ...numbers(256).map((n) => `10.0.${n}.0/24`),
    ...numbers(255).map((n) => `10.${n + 1}.0.0/24`),
    ...numbers(256).map((n) => `192.168.${n}.0/24`),
  ]
  const used = taken.map(parseCidr).filter((range) => typeof range !== 'string')
  const free = candidates.find((text) => {
    const range = parseCidr(text)
    return typeof range !== 'string' && !used.some((other) => overlap(other, range))
  })
  return free ?? ''
}
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** Returns "254 addresses, 10.0.0.1 – 10.0.0.254; gateway 10.0.0.1", or null while the text is no range. */
export function cidrHint(text: string, gateway: string | null | undefined): string | null {
  const range = parseCidr(text)
  if (typeof range === 'string') return null
  const { first, last } = usable(range)
  const count = 2 ** (32 - range.prefix) - 2
  const way = gateway === null ? 'no gateway' : `gateway ${gateway || first}`
  return `${count.toLocaleString('en')} addresses, ${first} – ${last}; ${way}`
}

/** Returns null when a machine in the range can have the address; empty text means that no address was chosen. */
export function addressProblem(cidr: string, address: string): string | null {
  if (address === '') return null
  if (!isAddress(address)) return 'Write an address like 10.0.0.1.'
  const range = parseCidr(cidr)
  if (typeof range === 'string') return null
  const ends = [range.network.toString(), broadcastOf(range).toString()]
  const isUsable = IPv4.parse(address).match(range.network, range.prefix) && !ends.includes(address)
  return isUsable ? null : `${address} is not a usable address of ${cidr}.`
}

/** Returns null when each server is an address; the server takes at most five. */
export function dnsProblem(servers: readonly string[]): string | null {
  if (servers.length > 5) return 'At most five name servers.'
  const wrong = servers.find((server) => !isAddress(server))
  return wrong === undefined ? null : `${wrong} is no address. Write it like 9.9.9.9.`
}

export type Pool = { start: string; end: string }
/** Returns null when addresses can be given out of the pool; two empty ends mean the whole range. */
export function poolProblem(cidr: string, { start, end }: Pool): string | null {
  if (start === '' && end === '') return null
  if (start === '' || end === '') return 'Write both ends, or none for the whole range.'
  const wrong = addressProblem(cidr, start) ?? addressProblem(cidr, end)
  if (wrong) return wrong
  return start.localeCompare(end, 'en', { numeric: true }) <= 0 ? null : `${start} comes after ${end}.`
}
