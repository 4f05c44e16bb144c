import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { boundSilence, frontDoor } from './gateway.ts'
import type { Config } from './kernel/config.ts'

const config = {
  publicUrl: 'http://cloud.example:8080',
  consoleUrl: 'http://127.0.0.1:7001',
  webUrl: 'http://127.0.0.1:7002',
  frontSecret: null,
}

describe('while the portal is away', () => {
  it('people get a page that reloads itself, and programs get a 503 with the time to wait', async () => {
    const app = Fastify()
    // No process listens on port 1.
    await frontDoor(app, { ...config, webUrl: 'http://127.0.0.1:1' } as Config)
    const page = await app.inject({ url: '/instances', headers: { accept: 'text/html,*/*' } })
    expect([page.statusCode, page.headers['retry-after']]).toEqual([503, '2'])
    expect(page.body).toContain('http-equiv="refresh"')
    const program = await app.inject({ url: '/api/trpc/x' })
    expect(program.statusCode).toBe(503)
    expect(program.json().error.message).toMatch(/is starting/)
    await app.close()
  })
})

describe('an answer of the portal', () => {
  it('is passed on at once, also a 503, and the request is sent only once', async () => {
    let asked = 0
    const portal = http.createServer((_request, response) => {
      asked += 1
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"away":true}')
    })
    portal.listen(0, '127.0.0.1')
    await once(portal, 'listening')
    const { port } = portal.address() as net.AddressInfo
    const app = Fastify()
    await frontDoor(app, { ...config, webUrl: `http://127.0.0.1:${port}` } as Config)
    const answer = await app.inject({ url: '/api/trpc/x' })
    expect([answer.statusCode, answer.json(), asked]).toEqual([503, { away: true }, 1])
    await app.close()
    portal.close()
  })
})

describe('a connection to the portal', () => {
  it('is closed before the portal would close it, and kept while an answer is awaited', async () => {
    const portal = http.createServer((request, response) => {
      setTimeout(() => response.end('here'), request.url === '/slow' ? 5_500 : 0)
    })
    portal.listen(0, '127.0.0.1')
    await once(portal, 'listening')
    const { port } = portal.address() as net.AddressInfo
    // Node's default is 5 s. By then the front door must have closed an idle connection.
    portal.keepAliveTimeout = 60_000
    const app = Fastify()
    await frontDoor(app, { ...config, webUrl: `http://127.0.0.1:${port}` } as Config)
    const slow = app.inject({ url: '/slow' })
    expect((await app.inject({ url: '/quick' })).body).toBe('here')
    const connections = () =>
      new Promise<number>((resolve) => portal.getConnections((_error, count) => resolve(count)))
    expect(await connections()).toBe(2)
    await sleep(4_600)
    expect(await connections(), 'that of the quick one is gone').toBe(1)
    expect((await slow).body).toBe('here')
    await app.close()
    portal.close()
  })
})

describe('an upload that the portal refuses before it is whole', () => {
  it('is answered once, and a failure after the answer causes no second answer', async () => {
    const portal = http.createServer((request, response) => {
      request.once('data', () => {
        response.writeHead(413, { 'content-type': 'text/plain', connection: 'close' })
        response.write('too large')
        setTimeout(() => request.socket.resetAndDestroy(), 50)
      })
    })
    portal.listen(0, '127.0.0.1')
    await once(portal, 'listening')
    const { port } = portal.address() as net.AddressInfo
    const app = Fastify()
    const raised: unknown[] = []
    app.setErrorHandler((error, _request, reply) => {
      raised.push(error)
      return reply.send('')
    })
    const stray = (error: unknown) => raised.push(error)
    process.on('uncaughtException', stray)
    await frontDoor(app, { ...config, webUrl: `http://127.0.0.1:${port}` } as Config)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const door = app.server.address() as net.AddressInfo
    const socket = net.connect(door.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('PUT /upload/images/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n')
    socket.write('Content-Length: 100000000\r\n\r\n')
    const writing = setInterval(() => socket.write(Buffer.alloc(1_000_000)), 10)
    let said = ''
    socket.on('data', (part) => {
      said += String(part)
      clearInterval(writing)
    })
    // Not `once` of node:events, which would reject on an error of this socket.
    await new Promise((resolve) => socket.once('close', resolve))
    process.off('uncaughtException', stray)
    expect(said).toMatch(/^HTTP\/1\.1 413 /)
    expect(raised).toEqual([])
    await app.close()
    portal.close()
  })
})

describe('a body that does not come', () => {
  it('ends its connection, and a body that comes slowly does not', async () => {
    const server = http.createServer((request, response) => {
      boundSilence(request, 200)
      request.resume().once('end', () => response.end('whole'))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const begin = () => {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n')
      return socket
    }
    const silent = begin()
    const slow = begin()
    let sent = 0
    const drip = setInterval(() => ++sent <= 12 && slow.write('x'), 50)
    const whole = once(slow, 'data')
    await once(silent, 'close')
    expect(String((await whole)[0])).toContain('whole')
    clearInterval(drip)
    slow.destroy()
    server.close()
  })
})
