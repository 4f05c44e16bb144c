import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { type HostDrivers, reportOf } from '@stratolith/drivers/host'
import { createFakeHypervisor, type FakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import type { HypervisorEvent, InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import { backgroundOp, type Op } from '@stratolith/drivers/op'
import { connectAgent, type RemoteHost } from '@stratolith/drivers/remote'
import { type CloudMark, consoleDoorOf } from '@stratolith/drivers/remote/protocol'
import { spoken, versionHeader, versionText } from '@stratolith/drivers/remote/versions'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { agentServer, consoleServer, listenOn } from './serve.ts'

const log = pino({ level: 'silent' })
const op = (over: Partial<Op> = {}): Op => ({ ...backgroundOp(log, 'op-1', 20_000), ...over })
const spec = (over: Partial<InstanceSpec> = {}): InstanceSpec => ({
  id: crypto.randomUUID(),
  projectId: 'p',
  name: 'Ünïcode',
  vcpus: 1,
  memoryMib: 64,
  power: 'running',
  disks: [],
  nics: [],
  volumes: [],
  guest: {
    hostname: 'h',
    zone: 'nova',
    launchIndex: 0,
    metadata: { ключ: 'значение' },
    publicKeys: [],
    userData: null,
    securityGroups: [],
    flavorName: 'f',
    imageId: null,
  },
  ...over,
})

let dir = ''
let socketPath = ''
let fake: FakeHypervisor
let ensureBase: (op: Op) => Promise<never>
let server: http.Server
let host: RemoteHost
const troubles: Error[] = []
let mayChange: (cloud: CloudMark | undefined) => void = () => undefined

async function serve(): Promise<void> {
  const storage = {
    capabilities: {},
    ensureBase: (given: Op) => ensureBase(given),
    probe: async () => ({ totalGib: 9, freeGib: 5 }),
  }
  const parts = { hypervisor: fake, storage, network: { capabilities: {} } }
  const report = (given: Op) => reportOf(parts as unknown as Parameters<typeof reportOf>[0], given)
  const drivers = { ...parts, report } as unknown as HostDrivers
  server = agentServer({
    drivers,
    log,
    health: () => ({ ok: true }),
    mayChange: (cloud) => mayChange(cloud),
  })
  await listenOn(server, { socketPath })
}
async function stop(): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'agent-'))
  socketPath = path.join(dir, 'agent.sock')
  fake = createFakeHypervisor({ vcpus: 7 })
  troubles.length = 0
  await serve()
  host = connectAgent(`unix:${socketPath}`, { onTrouble: (error) => troubles.push(error) })
})
afterEach(async () => {
  host.close()
  await stop()
  fs.rmSync(dir, { recursive: true })
})
const failure = async (promise: Promise<unknown>): Promise<DriverError> => {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error as DriverError
}
const base = { blobId: 'b', format: 'raw' as const, maxVirtualBytes: 1 }

/** Long enough for a busy machine. */
const eventually = (look: () => unknown) => vi.waitFor(look, 60_000)

describe('calls', () => {
  it('reach the driver and bring back its answer', async () => {
    const given = spec()
    expect(await host.hypervisor.ensure(op(), given)).toMatchObject({ id: given.id, power: 'running' })
    expect(fake.state.instances[given.id]?.spec).toEqual(given)
    expect(await host.hypervisor.get(op(), crypto.randomUUID())).toBeNull()
    expect(await host.hypervisor.remove(op(), given.id)).toBeUndefined()
    expect(await host.hypervisor.list(op())).toEqual([])
  })

  it('keep the driver’s error code and words', async () => {
    fake.failNext('list', new DriverError('no_space', 'The disk is full.'))
    const error = await failure(host.hypervisor.list(op()))
    expect([error.code, error.message]).toEqual(['no_space', 'The disk is full.'])
    expect(await host.hypervisor.list(op())).toEqual([])
  })

  it('tell their progress as it happens', async () => {
    let release: () => void = () => undefined
    ensureBase = async (given) => {
      given.progress('copying 10 %')
      await new Promise<void>((resolve) => {
        release = resolve
      })
      throw new Error('a tool failed')
    }
    const told: string[] = []
    const call = failure(host.storage.ensureBase(op({ progress: (text) => told.push(text) }), base))
    await eventually(() => expect(told).toEqual(['copying 10 %']))
    release()
    const error = await call
    expect([error.code, error.message]).toEqual(['failed', 'a tool failed'])
  })

  it('are cancelled on the host when the caller gives up', async () => {
    let seen: AbortSignal | null = null
    ensureBase = async (given) => {
      seen = given.signal
      await sleep(60_000, undefined, { signal: given.signal })
      throw new Error('unreachable')
    }
    const abort = new AbortController()
    const call = failure(host.storage.ensureBase(op({ signal: abort.signal }), base))
    await eventually(() => expect(seen?.aborted).toBe(false))
    abort.abort()
    expect((await call).code).toBe('unavailable')
    await eventually(() => expect(seen?.aborted).toBe(true))
  })

  it('use few connections', async () => {
    let connections = 0
    server.on('connection', () => {
      connections += 1
    })
    for (let i = 0; i < 20; i += 1) await host.hypervisor.list(op())
    expect(connections).toBe(1)
  })

  it.each([
    ['an id with a way up', () => host.hypervisor.get(op(), '../../etc'), 'invalid'],
    [
      'a path with a way up',
      () =>
        host.hypervisor.ensure(
          op(),
          spec({ disks: [{ id: 'd', path: '/a/../etc/shadow', format: 'raw', boot: true }] }),
        ),
      'invalid',
    ],
    [
      'a name without bound',
      () =>
        host.hypervisor.ensure(
          op(),
          spec({ nics: [{ portId: 'p', mac: 'fa:16:3e:00:00:01', tap: 'x'.repeat(40), mtu: 1500 }] }),
        ),
      'invalid',
    ],
  ])('refuse %s before any driver sees it', async (_what, call, code) => {
    const error = await failure(call())
    expect(error.code).toBe(code)
    expect(fake.calls).toEqual({})
  })

  it('of a newer control plane may have fields that this agent does not know', async () => {
    const given = spec()
    await host.hypervisor.ensure(op(), { ...given, colour: 'blue' } as typeof given)
    expect(fake.state.instances[given.id]?.spec).toEqual(given)
    const body = JSON.stringify({ op: { id: 'x', urgent: true }, args: [], colour: 'blue' })
    expect(await raw('POST', '/v1/call/hypervisor/list', body)).toMatchObject({ status: 200 })
  })

  it.each([
    'hypervisor/subscribe',
    'network/restore',
    'network/probe',
    'storage/probe',
    'hypervisor/__proto__',
    'constructor',
    '',
  ])('know nothing of %s', async (name) => {
    const body = JSON.stringify({ op: { id: 'x' }, args: [] })
    expect(await raw('POST', `/v1/call/${name}`, body)).toMatchObject({ status: 501 })
  })

  it('are refused when they are malformed', async () => {
    expect(await raw('POST', '/v1/call/hypervisor/list', '{')).toMatchObject({ status: 400 })
    expect(await raw('POST', '/v1/call/hypervisor/list', '{}')).toMatchObject({ status: 400 })
    expect(await raw('POST', '/v1/call/hypervisor/list', ' '.repeat(9_000_000))).toMatchObject({
      status: 400,
    })
    expect(await raw('GET', '/v1/call/hypervisor/list')).toMatchObject({ status: 501 })
    expect(await raw('GET', '/healthz')).toEqual({ status: 200, body: '{"ok":true}\n' })
  })
})

describe('versions of the protocol', () => {
  it('are sent with every answer, also with a refusal', async () => {
    const said = async (path: string, headers = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
      http.get({ socketPath, path, agent: false, headers }, resolve).on('error', reject)
      const response = await promise
      let body = ''
      for await (const chunk of response) body += chunk
      return { status: response.statusCode, version: response.headers[versionHeader], body }
    }
    const version = versionText(spoken)
    expect(await said('/healthz')).toMatchObject({ status: 200, version })
    expect(await said('/nowhere')).toMatchObject({ status: 501, version })
    const refused = await said('/v1/capabilities', { [versionHeader]: '98-99' })
    expect(refused).toMatchObject({ status: 503, version })
    expect(refused.body).toContain('The agent is older: upgrade')
    expect(await said('/healthz', { [versionHeader]: '98-99' })).toMatchObject({ status: 200 })
  })
})

describe('a console', () => {
  const asking = async (headers: http.OutgoingHttpHeaders) => {
    const { id } = await host.hypervisor.ensure(op(), spec())
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
    const request = http.get({
      socketPath,
      path: `/v1/console/${id}/serial`,
      agent: false,
      headers: { connection: 'Upgrade', upgrade: 'stratolith-console', ...headers },
    })
    request.on('error', reject)
    request.on('response', resolve)
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response)
    })
    const { statusCode: status, headers: said } = await promise
    return { status, version: said[versionHeader] }
  }
  const version = versionText(spoken)
  it('is opened with the versions of the protocol', async () => {
    expect(await asking({ [versionHeader]: version })).toEqual({ status: 101, version })
    expect(await asking({}), 'one of the first version').toEqual({ status: 101, version })
  })
  it('is refused without a version in common', async () => {
    expect(await asking({ [versionHeader]: '98-99' })).toEqual({ status: 503, version })
  })
})

describe('calls that change something', () => {
  const [older, newer] = [1, 2].map((epoch) => ({
    id: crypto.randomUUID(),
    epoch,
    token: crypto.randomUUID(),
  })) as [CloudMark, CloudMark]
  const refuse = (wanted: CloudMark) => (cloud: CloudMark | undefined) => {
    if (cloud?.token !== wanted.token) throw new DriverError('foreign', 'not yours')
  }
  afterEach(() => {
    mayChange = () => undefined
  })

  it('name a cloud, which the caller reads again after a refusal', async () => {
    mayChange = refuse(newer)
    const asked: boolean[] = []
    const caller = connectAgent(`unix:${socketPath}`, {
      cloud: async (fresh) => {
        asked.push(fresh)
        return fresh ? newer : older
      },
    })
    await caller.hypervisor.ensure(op(), spec())
    expect(asked).toEqual([false, true])
    await caller.hypervisor.list(op())
    expect(asked).toHaveLength(2)
    caller.close()
  })

  it('are refused for another cloud and for none, before any driver sees them', async () => {
    mayChange = refuse(newer)
    const stranger = connectAgent(`unix:${socketPath}`, { cloud: async () => older })
    for (const from of [stranger, host]) {
      const error = await failure(from.hypervisor.remove(op(), crypto.randomUUID()))
      expect(error.code).toBe('foreign')
      expect(await from.hypervisor.list(op())).toEqual([])
    }
    expect(fake.calls.remove).toBeUndefined()
    stranger.close()
  })
})

describe('an agent that is not there', () => {
  it('is unavailable, and answers again after its restart', async () => {
    await host.hypervisor.list(op())
    await stop()
    const error = await failure(host.hypervisor.list(op()))
    expect(error.code).toBe('unavailable')
    expect(error.retryable).toBe(true)
    await serve()
    expect(await host.hypervisor.list(op())).toEqual([])
  })

  it('is unavailable when it dies in the middle of a call', async () => {
    ensureBase = () => new Promise(() => undefined)
    const call = failure(host.storage.ensureBase(op(), base))
    await sleep(50)
    server.closeAllConnections()
    expect((await call).code).toBe('unavailable')
  })

  it('is met by kept connections of its predecessor without an error', async () => {
    await host.hypervisor.list(op())
    const before = server
    const old = new Promise((resolve) => before.close(resolve))
    before.closeAllConnections()
    await old
    await serve()
    expect(await host.hypervisor.list(op())).toEqual([])
  })
})

describe('capabilities', () => {
  it('are those of the host after its first probe', async () => {
    expect(host.hypervisor.capabilities.maxVcpus).toBe(256)
    await host.hypervisor.probe(op())
    expect(host.hypervisor.capabilities.maxVcpus).toBe(7)
  })

  it('come with its report, one call for all that a beat asks', async () => {
    const calls: (string | undefined)[] = []
    server.on('request', (request) => calls.push(request.url))
    expect(await host.report(op())).toMatchObject({
      machine: { hypervisor: 'Fake', vcpus: 7 },
      disk: { totalGib: 9, freeGib: 5 },
    })
    expect(host.hypervisor.capabilities.maxVcpus).toBe(7)
    expect(calls).toEqual(['/v1/call/host/report'])
  })
})

describe('events', () => {
  it('come as they happen, also to several listeners, and end with their subscription', async () => {
    const [a, b]: HypervisorEvent[][] = [[], []]
    const stopA = host.hypervisor.subscribe((event) => a?.push(event))
    const stopB = host.hypervisor.subscribe((event) => b?.push(event))
    const { id } = await host.hypervisor.ensure(op(), spec())
    await eventually(() => expect(a?.at(-1)).toMatchObject({ instanceId: id, power: 'running' }))
    stopA()
    fake.crash(id, 'boom')
    await eventually(() =>
      expect(b?.at(-1)).toMatchObject({ instanceId: id, power: 'crashed', reason: 'boom' }),
    )
    expect(a?.map((event) => event.power)).toEqual(['running'])
    stopB()
    await eventually(async () => expect(await connectionsOf(server)).toBeLessThanOrEqual(1))
  })

  it('that happen while the agent is away are told when it is back, once', async () => {
    const told: HypervisorEvent[] = []
    const kept = await host.hypervisor.ensure(op(), spec())
    const { id } = await host.hypervisor.ensure(op(), spec())
    const end = host.hypervisor.subscribe((event) => told.push(event))
    await eventually(() => expect(told).toHaveLength(2))
    await stop()
    fake.guestPowerOff(id)
    await eventually(() => expect(troubles.length).toBeGreaterThan(0))
    await serve()
    await eventually(() => expect(told.at(-1)).toMatchObject({ instanceId: id, power: 'off' }))
    expect(told.filter((event) => event.instanceId === kept.id)).toHaveLength(1)
    end()
  })

  it('reach the other listeners when one throws', async () => {
    const told: HypervisorEvent[] = []
    const bad = host.hypervisor.subscribe(() => {
      throw new Error('listener is broken')
    })
    const end = host.hypervisor.subscribe((event) => told.push(event))
    await host.hypervisor.ensure(op(), spec())
    await eventually(() => expect(told).toHaveLength(1))
    expect(troubles.map((error) => error.message)).toContain('listener is broken')
    bad()
    end()
  })
})

describe('consoles', () => {
  const consoleOf = () => {
    const { console } = host.hypervisor
    if (!console) throw new Error('no console')
    return console
  }

  it('carry bytes both ways and close with the guest', async () => {
    const { id } = await host.hypervisor.ensure(op(), spec())
    const stream = await consoleOf().open(op({ signal: AbortSignal.timeout(300) }), id, 'serial')
    let got = ''
    stream.on('data', (chunk) => {
      got += chunk
    })
    stream.write('ls\r')
    await eventually(() => expect(got).toContain('ls\r'))
    await sleep(400) // the operation that opened it is over, the stream is not
    stream.write('again')
    await eventually(() => expect(got).toContain('again'))
    const closed = new Promise((resolve) => stream.once('close', resolve))
    fake.guestPowerOff(id)
    await closed
  })

  it('say why not', async () => {
    const { id } = await host.hypervisor.ensure(op(), spec({ power: 'off' }))
    expect((await failure(consoleOf().open(op(), id, 'vnc'))).code).toBe('conflict')
    expect((await failure(consoleOf().open(op(), crypto.randomUUID(), 'vnc'))).code).toBe('not_found')
    expect((await failure(consoleOf().open(op(), '../x', 'vnc'))).code).toBe('invalid')
  })

  it('bring log and screen', async () => {
    const { id } = await host.hypervisor.ensure(op(), spec())
    fake.print(id, 'login: ')
    expect((await consoleOf().log(op(), id, { maxBytes: 100 })).text).toContain('login: ')
    const png = await consoleOf().screenshot(op(), id)
    expect(png.subarray(1, 4).toString()).toBe('PNG')
  })
})

describe('the socket', () => {
  it('is for its owner alone and is never taken from an agent that lives', async () => {
    expect(fs.statSync(socketPath).mode & 0o777).toBe(0o600)
    const second = http.createServer()
    await expect(listenOn(second, { socketPath })).rejects.toThrow('another agent runs')
    expect(await host.hypervisor.list(op())).toEqual([])
  })

  it('beside it, for members of another group, has consoles and nothing else', async () => {
    const door = consoleDoorOf(socketPath)
    const drivers = { hypervisor: fake, storage: {}, network: {} } as unknown as HostDrivers
    const consoles = consoleServer({
      drivers,
      log,
      health: () => ({ ok: true }),
      mayChange: () => undefined,
    })
    await listenOn(consoles, { socketPath: door, group: 4_242 })
    const { gid, mode } = fs.statSync(door)
    expect([gid, mode & 0o777]).toEqual([4_242, 0o660])
    const proxy = connectAgent(`unix:${door}`)
    try {
      const { id } = await host.hypervisor.ensure(op(), spec())
      const stream = await proxy.hypervisor.console?.open(op(), id, 'serial')
      stream?.destroy()
      expect((await failure(proxy.hypervisor.list(op()))).code).toBe('unsupported')
      expect((await failure(proxy.hypervisor.remove(op(), id))).message).toContain('consoles only')
      expect((await failure(proxy.refreshCapabilities())).code).toBe('unsupported')
      expect(fake.calls.list ?? 0).toBe(0)
    } finally {
      proxy.close()
      consoles.closeAllConnections()
      consoles.close()
    }
  })
})

const connectionsOf = (of: http.Server) =>
  new Promise<number>((resolve, reject) =>
    of.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )

function raw(method: string, url: string, body?: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path: url, agent: false }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, body: text })
    })
    request.on('error', reject)
    request.end(body)
  })
}
