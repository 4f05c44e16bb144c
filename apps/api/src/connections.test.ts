import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { affordable, type Bounds, boundConnections, callerOf } from './connections.ts'

describe('the caller for whom a connection counts', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '127.0.0.0/8'],
    ['127.9.8.7', '127.0.0.0/8'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('for the address %s is %s', (address, caller) => expect(callerOf(address)).toBe(caller))
})

it('the front door leaves descriptors for everything else', () => {
  expect(affordable(20_000)).toBe(5_000)
  expect(affordable(1_024)).toBe(256)
  expect(affordable(Number.POSITIVE_INFINITY)).toBe(5_000)
  expect(affordable()).toBeGreaterThan(0)
})

describe('the front door under attack', () => {
  let server: http.Server
  const sockets: net.Socket[] = []
  const lines: object[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
    lines.length = 0
    server.closeAllConnections()
    server.close()
  })
  async function door(bounds: Partial<Bounds>): Promise<void> {
    server = http.createServer((_request, response) => response.end('ok'))
    const log = { warn: (line: object) => lines.push(line) }
    const all = { total: 100, perAddress: 100, trustedProxies: [], ...bounds }
    boundConnections(server, all, log as never)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  /** True when a connection is still open after its request was answered. */
  async function answered(localAddress = '127.0.0.1', request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n') {
    const { port } = server.address() as net.AddressInfo
    const socket = net.connect({ port, host: '127.0.0.1', localAddress })
    socket.on('error', () => undefined)
    sockets.push(socket)
    socket.write(request)
    return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)])
  }
  async function silent(count: number): Promise<void> {
    const { port } = server.address() as net.AddressInfo
    for (let i = 0; i < count; i++) {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      sockets.push(socket)
      await once(socket, 'connect')
    }
  }

  it('closes connections of an address beyond its limit, and accepts new ones when others end', async () => {
    await door({ perAddress: 3 })
    await silent(3)
    expect(await answered()).toBe(false)
    // Another address of the same machine counts as the same caller.
    expect(await answered('127.0.0.2')).toBe(false)
    sockets[0]?.destroy()
    await expect.poll(() => answered(), { timeout: 30_000 }).toBe(true)
  })

  it('does not limit the connections of a trusted proxy', async () => {
    await door({ perAddress: 1, trustedProxies: ['192.0.2.1', '127.0.0.0/30', '2001:db8::/32'] })
    await silent(5)
    expect(await answered('127.0.0.2')).toBe(true)
    // 127.0.0.4 is not trusted, so it is limited like others.
    expect(await answered('127.0.0.4')).toBe(true)
    expect(await answered('127.0.0.4')).toBe(false)
  })

  it('holds no more than the total, and closes idle connections to make room for others', async () => {
    await door({ total: 4 })
    await silent(3)
    expect(await answered()).toBe(true)
    expect(await answered()).toBe(false)
    await expect.poll(() => answered(), { timeout: 30_000 }).toBe(true)
    expect(server.listening).toBe(true)
  })

  it('logs refused connections once a minute', async () => {
    await door({ perAddress: 1 })
    await silent(1)
    for (let i = 0; i < 5; i++) expect(await answered()).toBe(false)
    expect(lines).toEqual([{ beyondTotal: 0, beyondAddress: 1, lately: '127.0.0.1' }])
  })
})
