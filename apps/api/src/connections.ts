import fs from 'node:fs'
import type http from 'node:http'
import net from 'node:net'
import type { Logger } from 'pino'

export type Bounds = {
  /** The limit of all callers together. */
  total: number
  perAddress: number
  /** Addresses and CIDRs of proxies with many people behind them; the limit of one address does not hold for them. */
  trustedProxies: readonly string[]
}

/** The limit even when there are more descriptors, because each connection takes memory, too. */
const mostConnections = 5_000
const logEveryMs = 60_000

/**
 * How many connections the front door may hold. Each takes up to three descriptors (the caller's, the one
 * to the portal or the console proxy, and theirs at our internal door). A quarter of all descriptors is left for the
 * database, files and the internal door, where the supervisor checks the health of this process.
 */
export function affordable(limit = descriptorLimit()): number {
  return Math.min(mostConnections, Math.floor(limit / 4))
}

function descriptorLimit(): number {
  const line = /^Max open files +(\d+|unlimited)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))
  return line?.[1] && line[1] !== 'unlimited' ? Number(line[1]) : Number.POSITIVE_INFINITY
}

/**
 * Closes connections beyond the limits without an answer, before anything is read from them; the log reports this
 * once a minute. When all places are taken, idle connections are closed to make room.
 */
export function boundConnections(server: http.Server, bounds: Bounds, log: Pick<Logger, 'warn'>): void {
  const trusted = blockListOf(bounds.trustedProxies)
  const open = new Map<string, number>()
  const tell = refusals(log)
  let cleared = 0
  server.maxConnections = bounds.total
  server.on('drop', (dropped) => {
    tell('total', dropped?.remoteAddress)
    if (Date.now() - cleared < 1_000) return
    cleared = Date.now()
    server.closeIdleConnections()
  })
  server.on('connection', (socket) => {
    const address = socket.remoteAddress
    // The caller has left already.
    if (address === undefined) return void socket.destroy()
    if (isIn(trusted, address)) return
    const caller = callerOf(address)
    const count = open.get(caller) ?? 0
    if (count >= bounds.perAddress) {
      tell('address', address)
      return void socket.destroy()
    }
    open.set(caller, count + 1)
    socket.once('close', () => {
      const left = (open.get(caller) ?? 1) - 1
      if (left > 0) open.set(caller, left)
      else open.delete(caller)
    })
  })
}

function refusals(log: Pick<Logger, 'warn'>) {
  const refused = { total: 0, address: 0 }
  let timer: NodeJS.Timeout | null = null
  let lately: string | undefined
  const say = () => {
    timer = null
    if (refused.total + refused.address === 0) return
    log.warn(
      { beyondTotal: refused.total, beyondAddress: refused.address, lately },
      'connections were refused: too many are open',
    )
    Object.assign(refused, { total: 0, address: 0 })
    timer = setTimeout(say, logEveryMs).unref()
  }
  return (beyond: keyof typeof refused, address: string | undefined) => {
    refused[beyond] += 1
    lately = address
    if (!timer) say()
  }
}

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')

/**
 * The caller for whom an address counts. An IPv6 network (/64) belongs to one subscriber, and all of 127.0.0.0/8 is
 * this machine, whose users could otherwise take every place by using many addresses.
 */
export function callerOf(address: string): string {
  const text = plain(address)
  if (net.isIPv4(text)) return text.startsWith('127.') ? '127.0.0.0/8' : text
  const [left = '', right] = text.split('::', 2)
  const head = left.split(':').filter(Boolean)
  const tail = right?.split(':').filter(Boolean) ?? []
  const groups = [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

function blockListOf(ranges: readonly string[]): net.BlockList {
  const list = new net.BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/', 2)
    const family = net.isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

function isIn(list: net.BlockList, address: string): boolean {
  const text = plain(address)
  return list.check(text, net.isIPv6(text) ? 'ipv6' : 'ipv4')
}
