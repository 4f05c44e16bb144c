import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { readProxyConfig } from './config.ts'
import { createProxy } from './server.ts'

const secret = 'proxy-test-secret-proxy-test-secret'
const origin = 'http://cloud.test:8080'
const instance = '11111111-1111-4111-8111-111111111111'
const token = (letter: string) => letter.repeat(43)

/** A stand-in for API and agent on loopback, which records the requests that reach it. */
class World {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-proxy-'))
  readonly agentSocket = path.join(this.dir, 'console.sock')
  readonly log: string[] = []
  valid = new Set([token('a')])
  upstreams = 0
  upstreamPaths: string[] = []
  protocols: unknown[] = []
  secrets: unknown[] = []
  endSession: (reason: string) => void = () => undefined
  onUpstream: (socket: net.Socket) => void = (socket) => socket.pipe(socket)
  watchFails = false
  refuses = false
  url = ''
  #servers: http.Server[] = []

  async start(): Promise<void> {
    const api = http.createServer((request, response) => {
      this.secrets.push(request.headers['x-internal-secret'])
      if (request.url?.startsWith('/internal/console/watch')) return this.#watch(response)
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const known = this.valid.delete((JSON.parse(body) as { token: string }).token)
        response.writeHead(known ? 200 : 403, { 'content-type': 'application/json' })
        response.end(
          JSON.stringify({
            sessionId: 's1',
            userId: 'u1',
            agentSocket: this.agentSocket,
            path: `/v1/console/${instance}/serial`,
            protocol: '1-2',
          }),
        )
      })
    })
    const agent = http.createServer((_request, response) => response.writeHead(404).end())
    agent.on('upgrade', (request, socket) => {
      if (this.refuses) return void socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n')
      this.upstreams++
      this.upstreamPaths.push(`${request.headers.upgrade} ${request.url}`)
      this.protocols.push(request.headers['stratolith-protocol'])
      socket.on('error', () => socket.destroy())
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: stratolith-console\r\n\r\n',
      )
      this.onUpstream(socket as net.Socket)
    })
    await listen(agent, this.agentSocket)
    const apiPort = await listen(api, 0)
    const config = readProxyConfig({
      STRATOLITH_CONSOLE_LISTEN: '127.0.0.1:0',
      STRATOLITH_PUBLIC_URL: `${origin}/`,
      STRATOLITH_API_URL: `http://127.0.0.1:${apiPort}`,
      STRATOLITH_CONSOLE_SECRET: secret,
    })
    const proxy = createProxy(config, pino({ level: 'trace' }, { write: (line) => this.log.push(line) }))
    this.url = `127.0.0.1:${await listen(proxy, 0)}`
    this.#servers = [proxy, api, agent]
  }

  #watch(response: http.ServerResponse): void {
    if (this.watchFails) return void response.destroy()
    response.writeHead(200)
    response.write('{"alive":true}\n')
    this.endSession = (reason) => response.end(`${JSON.stringify({ ended: reason })}\n`)
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    fs.rmSync(this.dir, { recursive: true, force: true })
  }
}

const listen = (server: http.Server, at: string | number): Promise<number> =>
  new Promise((resolve) => {
    const done = () => resolve((server.address() as net.AddressInfo).port)
    if (typeof at === 'string') server.listen(at, done)
    else server.listen(at, '127.0.0.1', done)
  })

/** Opens a WebSocket; the result is 'open' or the HTTP status that refused the handshake. */
function connect(
  url: string,
  options: { origin?: string } = { origin },
): Promise<{ ws: WebSocket; result: 'open' | number }> {
  const ws = new WebSocket(url, { ...options, perMessageDeflate: false })
  return new Promise((resolve, reject) => {
    ws.on('open', () => resolve({ ws, result: 'open' }))
    ws.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve({ ws, result: response.statusCode ?? 0 })
    })
    ws.on('error', reject)
  })
}
const closed = (ws: WebSocket): Promise<{ code: number; reason: string; pings: number }> => {
  let pings = 0
  ws.on('ping', () => {
    pings += 1
  })
  return new Promise((resolve) =>
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString(), pings })),
  )
}
const received = (ws: WebSocket, bytes: number): Promise<Buffer> =>
  new Promise((resolve) => {
    let all = Buffer.alloc(0)
    ws.on('message', (data: Buffer, binary) => {
      expect(binary).toBe(true)
      all = Buffer.concat([all, data])
      if (all.length >= bytes) resolve(all)
    })
  })

describe('console proxy', () => {
  let world: World
  beforeEach(async () => {
    world = new World()
    await world.start()
  })
  afterEach(() => world.stop())
  const consoleUrl = (letter = 'a') => `ws://${world.url}/console/?token=${token(letter)}`

  test('joins a browser to the console that the API names, with bytes in both directions', async () => {
    const { ws, result } = await connect(consoleUrl())
    expect(result).toBe('open')
    expect(world.upstreamPaths).toEqual([`stratolith-console /v1/console/${instance}/serial`])
    expect(world.secrets[0]).toBe(secret)
    expect(world.protocols, 'the agent hears which versions the control plane speaks').toEqual(['1-2'])
    const sent = Buffer.from([0, 255, 13, 10, 0x80])
    const echo = received(ws, sent.length)
    ws.send(sent)
    expect(await echo).toEqual(sent)
    ws.terminate()
  })

  test('A06.2: a second use of a token and an unknown token get 403, without an upstream connection', async () => {
    const first = await connect(consoleUrl())
    expect(world.upstreams).toBe(1)
    expect((await connect(consoleUrl())).result).toBe(403)
    expect((await connect(consoleUrl('b'))).result).toBe(403)
    expect((await connect(`ws://${world.url}/console/`)).result).toBe(403)
    expect((await connect(`${consoleUrl('b')}&token=${token('c')}`)).result).toBe(403)
    expect(world.upstreams).toBe(1)
    first.ws.terminate()
  })

  test.each([
    undefined,
    'null',
    'https://evil.example',
    'https://cloud.test:8080',
    'http://cloud.test',
    'http://cloud.test:8081',
    'http://cloud.test:8080.evil.example',
    'http://cloud.test:8080, http://cloud.test:8080',
  ])('A06.3: the origin %s gets 403, and the token stays valid', async (foreign) => {
    expect((await connect(consoleUrl(), foreign === undefined ? {} : { origin: foreign })).result).toBe(403)
    expect(world.secrets).toEqual([])
    const { ws, result } = await connect(consoleUrl())
    expect(result).toBe('open')
    ws.terminate()
  })

  test('A06.1: the connection closes at once, with the reason, when the right to the console ends', async () => {
    const { ws } = await connect(consoleUrl())
    const over = closed(ws)
    world.endSession('The instance has stopped.')
    expect(await over).toEqual({ code: 4000, reason: 'The instance has stopped.', pings: 0 })
  })

  test('the 17th console of one instance is closed with a sentence, until another console ends', async () => {
    const letters = [...'abcdefghijklmnopqr']
    for (const letter of letters) world.valid.add(token(letter))
    const open = []
    for (const letter of letters.slice(0, 16)) open.push((await connect(consoleUrl(letter))).ws)
    const { ws, result } = await connect(consoleUrl(letters[16]))
    expect(result).toBe('open')
    expect(await closed(ws)).toMatchObject({
      code: 4000,
      reason: expect.stringMatching(
        /^This instance has 16 open consoles.* Close one of them, then reconnect\.$/,
      ),
    })
    expect(world.upstreams).toBe(16)
    const [first] = open
    const gone = first && closed(first)
    first?.close()
    await gone
    // The place is free once the proxy has noticed the end, too.
    await expect.poll(() => world.log.join(''), { timeout: 60_000 }).toContain('console closed')
    open.push((await connect(consoleUrl(letters[17]))).ws)
    expect(world.upstreams).toBe(17)
    for (const ws of open) ws.terminate()
  })

  test('when the machine does not answer, the browser’s side is closed with a sentence, and no place is taken', async () => {
    fs.rmSync(world.agentSocket)
    for (const letter of 'abcdefghijklmnopqr') {
      world.valid.add(token(letter))
      const { ws, result } = await connect(consoleUrl(letter))
      expect(result).toBe('open')
      expect(await closed(ws)).toMatchObject({
        code: 4001,
        reason: 'The machine that this instance is on does not answer.',
      })
    }
    expect(world.log.join('')).toContain('The agent cannot be reached')
  })

  test('the connection is refused when the agent opens no console', async () => {
    world.refuses = true
    expect((await connect(consoleUrl())).result).toBe(502)
  })

  test('the browser’s side is closed when the guest goes away', async () => {
    let guest: net.Socket | undefined
    world.onUpstream = (socket) => {
      guest = socket
    }
    const { ws } = await connect(consoleUrl())
    const over = closed(ws)
    guest?.destroy()
    expect((await over).pings).toBe(0)
  })

  test('the guest’s console is free when the browser goes away', async () => {
    // A guest that goes on writing notices a closed stream, but not a half-closed one.
    const gone = new Promise((resolve) => {
      world.onUpstream = (socket) => {
        const chatter = setInterval(() => socket.write('login: '), 10)
        socket.on('close', () => resolve(clearInterval(chatter))).resume()
      }
    })
    const { ws } = await connect(consoleUrl())
    ws.terminate()
    await gone
  })

  test('a slow browser makes the guest wait instead of filling our memory', async () => {
    let written = 0
    const chunk = Buffer.alloc(256 * 1024)
    world.onUpstream = (socket) => {
      const push = () => {
        while (written < 512 * 1024 * 1024 && socket.write(chunk)) written += chunk.length
      }
      socket.on('drain', push)
      push()
    }
    const { ws } = await connect(consoleUrl())
    ws.pause()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(written).toBeLessThan(64 * 1024 * 1024)
    ws.terminate()
  })

  test('a message that is too large ends the connection', async () => {
    const { ws } = await connect(consoleUrl())
    const over = closed(ws)
    ws.send(Buffer.alloc(2 * 1024 * 1024))
    expect([1006, 1009]).toContain((await over).code)
  })

  test('A06.4: no log line contains the token, neither of a good connection nor of a refused one', async () => {
    const { ws } = await connect(consoleUrl())
    await connect(consoleUrl('b'))
    const over = closed(ws)
    ws.terminate()
    await over
    await expect.poll(() => world.log.join(''), { timeout: 60_000 }).toContain('console closed')
    expect(world.log.join('')).toContain('console refused')
    expect(world.log.join('')).not.toContain(token('a'))
    expect(world.log.join('')).not.toContain(token('b'))
  })

  test.each([
    '/',
    '/console',
    '/console/x',
    '//evil.com/%2f..',
    '/console/../console/',
    '/websockify',
    '/%2e%2e/etc/passwd',
  ])('A06.9: the path %s gets 404', async (target) => {
    const url = `${target}?token=${token('a')}`
    expect(await rawStatus(world.url, url, true)).toBe(404)
    expect(await rawStatus(world.url, url, false)).toBe(404)
    expect(world.secrets).toEqual([])
  })

  test('A06.6: host, port and path in the URL do not choose the console', async () => {
    const { ws, result } = await connect(`${consoleUrl()}&host=evil.example&port=22&path=/v1/console/x/vnc`)
    expect(result).toBe('open')
    expect(world.upstreamPaths).toEqual([`stratolith-console /v1/console/${instance}/serial`])
    ws.terminate()
  })

  test('/healthz answers', async () => {
    expect(await rawStatus(world.url, '/healthz', false)).toBe(200)
  })

  test('a wrong setting is told in one sentence', () => {
    expect(() => readProxyConfig({})).toThrow('STRATOLITH_CONSOLE_SECRET is not set')
    const good = { STRATOLITH_CONSOLE_SECRET: secret, STRATOLITH_API_URL: 'http://127.0.0.1:1' }
    const listenOn = (at: string) =>
      readProxyConfig({ ...good, STRATOLITH_PUBLIC_URL: origin, STRATOLITH_CONSOLE_LISTEN: at })
    expect(() => listenOn('0.0.0.0:80')).toThrow('must be unix:/path or 127.0.0.1:PORT')
    expect(listenOn('unix:/run/x.sock').listen).toEqual({ path: '/run/x.sock' })
    expect(listenOn('127.0.0.1:6080').listen).toEqual({ host: '127.0.0.1', port: 6080 })
  })
})

/** The status of a request whose path is sent as it is, without the corrections of a client library. */
function rawStatus(address: string, target: string, upgrade: boolean): Promise<number> {
  const [host = '', port = ''] = address.split(':')
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${address}`, `Origin: ${origin}`]
  if (upgrade)
    lines.push(
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    )
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), host, () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    socket.once('data', (data) => {
      resolve(Number(data.toString().split(' ')[1]))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
