/** IPv4 ranges for forms: the same rules as the server's, so that typing tells what sending would. */
export type Range = { first: number; last: number; network: number; size: number }

const toNumber = (ip: string): number => ip.split('.').reduce((n, part) => n * 256 + Number(part), 0)
export const toAddress = (n: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.')
const isAddress = (text: string): boolean =>
  text.split('.').length === 4 &&
  text.split('.').every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)

const reserved = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
] as const

/** The range, or the sentence why it is none. */
export function parseCidr(text: string): Range | string {
  const [ip = '', bits = '', ...more] = text.trim().split('/')
  if (more.length > 0 || !isAddress(ip) || !/^\d{1,2}$/.test(bits)) return 'Write it as 10.0.0.0/24.'
  const prefix = Number(bits)
  if (prefix < 8 || prefix > 30) return 'A subnet has a prefix between /8 and /30, like 10.0.0.0/24.'
  const size = 2 ** (32 - prefix)
  const address = toNumber(ip)
  const network = address - (address % size)
  if (network !== address)
    return `It has bits set behind its prefix. Did you mean ${toAddress(network)}/${prefix}?`
  const inReserved = reserved.some(
    ([base, length]) => network >= toNumber(base) && network < toNumber(base) + 2 ** (32 - length),
  )
  if (inReserved || network >= toNumber('224.0.0.0'))
    return 'It is reserved (loopback, link-local or multicast). Use a private range like 10.0.0.0/24.'
  return { network, size, first: network + 1, last: network + size - 2 }
}

const overlap = (a: Range, b: Range): boolean =>
  a.network < b.network + b.size && b.network < a.network + a.size

/** null when it can be used; `taken` are the ranges of the same network or, as a warning, of others. */
export function cidrProblem(text: string, taken: readonly string[] = []): string | null {
  const range = parseCidr(text)
  if (typeof range === 'string') return range
  const clash = clashOf(range, taken)
  return clash === null ? null : `It overlaps with ${clash} of the same network. Choose another range.`
}

/** A range of another network that could not be joined with this one by a router; null: none. */
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

/** The first 10.0.N.0/24 that nothing uses; after them 10.N.0.0/24 and 192.168.N.0/24. */
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

/** "254 addresses, 10.0.0.1 – 10.0.0.254; gateway 10.0.0.1", or null while it is no range. */
export function cidrHint(text: string, gateway: string | null | undefined): string | null {
  const range = parseCidr(text)
  if (typeof range === 'string') return null
  const count = range.last - range.first + 1
  const way = gateway === null ? 'no gateway' : `gateway ${gateway || toAddress(range.first)}`
  return `${count.toLocaleString('en')} addresses, ${toAddress(range.first)} – ${toAddress(range.last)}; ${way}`
}

/** null when the address can be a gateway of the range; empty text means the first address. */
export function gatewayProblem(cidr: string, gateway: string): string | null {
  if (gateway === '') return null
  if (!isAddress(gateway)) return 'Write an address like 10.0.0.1.'
  const range = parseCidr(cidr)
  if (typeof range === 'string') return null
  const n = toNumber(gateway)
  return n >= range.first && n <= range.last ? null : `${gateway} is not a usable address of ${cidr}.`
}

/** null when each is an address; at most five, as the server takes. */
export function dnsProblem(servers: readonly string[]): string | null {
  if (servers.length > 5) return 'At most five name servers.'
  const wrong = servers.find((server) => !isAddress(server))
  return wrong === undefined ? null : `${wrong} is no address. Write it like 9.9.9.9.`
}

/** "10.0.0.2 – 10.0.0.254"; two ranges around a gateway in the middle. */
export const poolsText = (pools: readonly { start: string; end: string }[]): string =>
  pools.map(({ start, end }) => (start === end ? start : `${start} – ${end}`)).join(', ') || 'None'
