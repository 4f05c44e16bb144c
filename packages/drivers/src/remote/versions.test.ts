import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { backgroundOp } from '../op.ts'
import { assumed } from './answers.ts'
import { connectAgent, type RemoteHost } from './client.ts'
import { fieldsSince } from './since.ts'
import { checkVersions, spoken, versionHeader, versionText } from './versions.ts'

/** An agent of another build: the versions in its header (null: no header) and the lines of its answers. */
let versions: string | null
let answer: string
let asked: { url?: string; headers: http.IncomingHttpHeaders; body: string }[]
/** Whether the agent opens consoles. */
let opens: boolean
let server: http.Server
let host: RemoteHost
let folder: string
const op = backgroundOp(pino({ level: 'silent' }), 'op-1', 20_000)
/** The versions of a build that has none in common with this one. */
const newer = [spoken.newest + 1, spoken.newest + 2] as const
const result = (value: unknown) => `${JSON.stringify({ result: value })}\n`

beforeEach(async () => {
  versions = versionText(spoken)
  asked = []
  opens = true
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'versions-'))
  const socketPath = path.join(folder, 'agent.sock')
  server = http.createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { url, headers } = request
    asked.push({ url, headers, body })
    if (versions !== null) response.setHeader(versionHeader, versions)
    response.end(url === '/v1/capabilities' && answer.startsWith('{"result"') ? '{}\n' : answer)
  })
  server.on('upgrade', ({ url, headers }, socket) => {
    asked.push({ url, headers, body: '' })
    const said = versions === null ? '' : `${versionHeader}: ${versions}\r\n`
    const [head, rest] = opens
      ? ['101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: stratolith-console', '']
      : [`409 Refused\r\nconnection: close\r\ncontent-length: ${answer.length}`, answer]
    for (const over of ['end', 'error']) socket.on(over, () => socket.destroy())
    socket.resume()
    socket.write(`HTTP/1.1 ${head}\r\n${said}\r\n${rest}`)
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  host = connectAgent(`unix:${socketPath}`)
})
afterEach(async () => {
  host.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  fs.rmSync(folder, { recursive: true })
})
async function failure(call: Promise<unknown>): Promise<DriverError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error as DriverError
}

const guest = { id: 'guest-1', power: 'off', pid: null, startedAt: null, reason: null }
const facts = {
  hypervisor: 'QEMU',
  version: '7.2',
  accelerator: 'kvm',
  acceleratorReason: null,
  vcpus: 4,
  memoryMib: 4_096,
  diskGib: 20,
  cpuModel: 'x',
  uptimeSeconds: 1,
  load: [0, 0, 0],
}
const disk = { totalGib: 20, freeGib: 10 }

describe('an older agent', () => {
  it('without a version header speaks version 1', async () => {
    versions = null
    answer = result([guest])
    expect(await host.hypervisor.list(op)).toEqual([guest])
    expect(asked[0]?.headers[versionHeader]).toBe(versionText(spoken))
  })

  it('may lack a field that was added later', async () => {
    answer = result({ machine: facts, disk, capabilities: { hypervisor: {} } })
    const report = await host.report(op)
    expect(report.machine.isolation).toMatchObject({
      users: false,
      reason: expect.stringContaining('is older'),
    })
    expect(report.capabilities.network.egress).toBe('on')
    const port = { id: 'port-1', tap: 'tap1', state: 'active' }
    answer = result({ networks: [], ports: [port], routers: [], addressSets: [], digests: {} })
    expect((await host.network.list(op)).ports).toEqual([{ ...port, instanceId: '' }])
  })

  it('that has no version in common gets an error which says that the agent is older', async () => {
    versions = '0-0'
    answer = result([guest])
    const error = await failure(host.hypervisor.list(op))
    expect(error.code).toBe('unavailable')
    expect(error.message).toMatch(
      new RegExp(
        `^The agent at .*agent\\.sock speaks version 0 of the protocol, this control plane versions 1 to ${spoken.newest}\\. The agent is older: upgrade`,
      ),
    )
    expect((await failure(host.refreshCapabilities())).message).toContain('The agent is older')
  })
})

describe('a newer agent', () => {
  it('may send fields, lines and error codes that this build does not know', async () => {
    versions = '2-7'
    answer = `{"weather":"fine"}\n${result([{ ...guest, temperature: 40 }])}`
    expect(await host.hypervisor.list(op)).toEqual([guest])
    answer = `${JSON.stringify({ error: { code: 'too_hot', message: 'It is too hot.', degrees: 40 } })}\n`
    const error = await failure(host.hypervisor.list(op))
    expect([error.code, error.message]).toEqual(['failed', 'It is too hot.'])
  })

  it('may send unknown words in parts of a report that nothing depends on', async () => {
    const told = {
      hypervisor: { pause: false, screenshot: 'in colour', maxVcpus: 8 },
      network: { egress: 'by night', ipv6: true },
      storage: { formats: ['vmdk', 'raw', 7], overlay: 'deep', shared: true },
    }
    const isolation = { users: true, cgroup: 'v3', controllers: [], reason: null }
    answer = result({ machine: { ...facts, isolation }, disk, capabilities: told })
    const report = await host.report(op)
    expect(report.capabilities).toEqual({
      hypervisor: { ...assumed.hypervisor, pause: false, maxVcpus: 8 },
      network: { ...assumed.network, ipv6: true },
      storage: { formats: ['raw'], overlay: true, shared: true },
    })
    expect(host.storage.capabilities).toEqual(report.capabilities.storage)
    expect(report.machine.isolation.reason).toContain('not known here')
    answer = `${JSON.stringify(told)}\n`
    await host.refreshCapabilities()
    expect(host.storage.capabilities.formats).toEqual(['raw'])
    answer = result({ machine: { ...facts, isolation }, disk: { totalGib: 1 }, capabilities: told })
    expect((await failure(host.report(op))).message).toContain('disk.freeGib')
  })

  it('that has no version in common gets an error which says that the control plane is older', async () => {
    versions = newer.join('-')
    answer = result([guest])
    const { message } = await failure(host.hypervisor.list(op))
    expect(message).toContain(`speaks versions ${newer.join(' to ')} of the protocol`)
    expect(message).toContain('The control plane is older: upgrade')
  })
})

describe('documents and calls', () => {
  const port = {
    id: 'port-1',
    tag: 1,
    networkId: 'net',
    mac: 'fa:16:3e:00:00:01',
    mtu: 1450,
    addresses: [],
    hostname: '',
    instanceId: '',
    projectId: '',
    portSecurity: true,
    adminUp: true,
    rules: [],
  }
  const document = { kind: 'port' as const, id: 'port-1', generation: 3, body: port }
  /** A document with a field that only newer builds know. */
  const paced = { ...document, id: 'port-2', body: { ...port, id: 'port-2', pace: { kbit: 7 } } }
  const reached = ({ kind, id, generation }: typeof document) => ({
    kind,
    id,
    generation,
    outcome: 'reached',
  })
  const refused = {
    kind: 'port',
    id: 'port-2',
    generation: 3,
    outcome: 'failed',
    code: 'unsupported',
    message: expect.stringMatching(
      /^port\.pace needs version 2 of the protocol, and with the agent at .*agent\.sock version 1 is spoken\. The agent is older: upgrade/,
    ),
  }
  const callsOf = () => asked.flatMap(({ url, body }) => (url?.startsWith('/v1/call/') ? body : []))
  const idsOf = (body: string) =>
    (JSON.parse(body) as { args: { id: string }[][] }).args[0]?.map(({ id }) => id)
  beforeEach(() => {
    host.close()
    host = connectAgent(`unix:${path.join(folder, 'agent.sock')}`, {
      since: { 'port.pace': 2, 'network/ensurePort.pace.kbit': 2, 'network.pace': 2 },
    })
  })

  it('that an older agent would not fully understand are not sent to it, and the others are', async () => {
    versions = '1-1'
    answer = result([reached(document)])
    expect(await host.documents.apply(op, [document, paced])).toEqual([refused, reached(document)])
    expect(callsOf().map(idsOf)).toEqual([['port-1']])
    expect(host.commonVersion).toBe(1)
    expect(await host.documents.apply(op, [paced])).toEqual([refused])
    const error = await failure(host.network.ensurePort(op, paced.body))
    expect([error.code, error.message]).toEqual([
      'unsupported',
      expect.stringMatching(/ensurePort\.pace\.kbit/),
    ])
    expect(callsOf()).toHaveLength(1)
  })

  it('with a new field are sent to an agent of that version, and refused when an older agent takes its place', async () => {
    expect(host.commonVersion).toBeNull()
    answer = result([reached(paced)])
    expect(await host.documents.apply(op, [paced, document])).toEqual([reached(paced)])
    expect(host.commonVersion).toBe(spoken.newest)
    expect(callsOf().map(idsOf)).toEqual([['port-2', 'port-1']])
    expect(asked.at(-1)?.headers[versionHeader]).toBe(`2-${spoken.newest}`)
    await host.documents.apply(op, [document])
    expect(asked.at(-1)?.headers[versionHeader], 'without the field').toBe(versionText(spoken))
    // The agent was newer before and is older again.
    versions = '1-1'
    answer = result([])
    await host.hypervisor.list(op)
    expect(await host.documents.apply(op, [paced])).toEqual([refused])
  })

  it('have no field that needs a version which this build does not speak', () => {
    const unspoken = Object.entries(fieldsSince).filter(([, version]) => version > spoken.newest)
    expect(unspoken).toEqual([])
  })
})

describe('a console', () => {
  const open = () =>
    host.hypervisor.console?.open(op, 'guest-1', 'serial') ?? Promise.reject(new Error('no console'))
  it('is requested with the version header, and opened by an agent that has a version in common', async () => {
    const stream = await open()
    stream.destroy()
    expect(asked.at(-1)?.headers[versionHeader]).toBe(versionText(spoken))
    versions = null
    ;(await open()).destroy()
  })

  it.each([
    [newer.join('-'), 'The control plane is older: upgrade'],
    ['0-0', 'The agent is older: upgrade'],
    ['x', 'cannot be read'],
  ])('cannot be opened at an agent that speaks %s', async (said, words) => {
    versions = said
    const error = await failure(open())
    expect([error.code, error.message]).toEqual(['unavailable', expect.stringContaining(words)])
    opens = false
    answer = `{"error":{"code":"conflict","message":"no"}}\n`
    expect((await failure(open())).message, 'refused').toContain(words)
  })
})

describe('a malformed answer', () => {
  it.each([
    ['nothing', '', 'unavailable', 'broke off'],
    ['no JSON', 'hello\n', 'failed', 'gave a malformed answer'],
    ['half a line', '{"result":[', 'unavailable', 'broke off'],
    ['null', 'null\n', 'failed', 'malformed answer to hypervisor/list'],
    ['a number', '7\n', 'failed', 'malformed answer to hypervisor/list'],
    ['a list', '[]\n', 'failed', 'malformed answer to hypervisor/list'],
    ['no list', result({ 0: guest }), 'failed', 'malformed answer to hypervisor/list'],
    ['a list of something else', result([guest, null]), 'failed', '1: '],
    ['a field of a wrong kind', result([{ ...guest, pid: 'one' }]), 'failed', '0.pid: '],
    ['an id with a way up', result([{ ...guest, id: '../../etc' }]), 'failed', '0.id: '],
    ['an error of nothing', '{"error":{}}\n', 'failed', 'gave no reason'],
    ['an error without end', `{"error":{"message":"${'x'.repeat(1e6)}"}}\n`, 'failed', 'xxx'],
  ])('with %s is a failure of this agent alone', async (_what, said, code, words) => {
    answer = said
    const error = await failure(host.hypervisor.list(op))
    expect(error.code).toBe(code)
    expect(error.isAnswer, 'told apart from silence').toBe(code !== 'unavailable')
    expect(error.message).toContain(words)
    expect(error.message.length).toBeLessThan(20_000)
  })

  it('to a report or a screenshot is a failure, too', async () => {
    answer = result({ machine: { ...facts, vcpus: -1 }, disk, capabilities: {} })
    expect((await failure(host.report(op))).message).toContain('machine.vcpus')
    answer = result('no base64!')
    expect(
      (await failure(host.hypervisor.console?.screenshot(op, 'guest-1') ?? Promise.resolve())).code,
    ).toBe('failed')
    answer = '7\n'
    expect((await failure(host.refreshCapabilities())).message).toContain('malformed')
  })

  it.each([
    ['one', { hypervisor: { maxVcpus: 'many' }, network: 7, storage: null }],
    ['none', 'all'],
    ['nothing', undefined],
  ])('with capabilities of which %s can be parsed leaves the assumed capabilities', async (_what, told) => {
    answer = result({ machine: facts, disk, capabilities: told })
    expect((await host.report(op)).capabilities).toEqual(assumed)
  })

  it.each(['', 'one', '1', '1-', '-1', '1-2-3', '1.5-2', '1-99999999'])(
    'with the version %j is refused',
    async (said) => {
      versions = said
      answer = result([guest])
      expect((await failure(host.hypervisor.list(op))).message).toContain('cannot be read')
    },
  )
})

describe('the version header of a control plane', () => {
  it('says its versions, and stands for version 1 when it is absent', () => {
    expect(() => checkVersions('control plane', undefined)).not.toThrow()
    expect(() => checkVersions('control plane', '2-9')).not.toThrow()
    expect(() => checkVersions('control plane', `${newer[0]}-9`)).toThrow(
      `The control plane speaks versions ${newer[0]} to 9 of the protocol, this agent versions 1 to ${spoken.newest}. The agent is older`,
    )
    expect(() => checkVersions('control plane', '0-0')).toThrow('The control plane is older')
  })
})
