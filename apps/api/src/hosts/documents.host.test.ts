import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { wishDigest } from '@stratolith/drivers/network/digest'
import { connectAgent, type RemoteHost } from '@stratolith/drivers/remote'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { inTransaction } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { expectCloudError, testCtx } from '../kernel/testing.ts'
import { starterNetwork } from '../networking/networks/service.ts'
import { updatePort } from '../networking/ports/change.ts'
import { bindPort, deletePortsOfInstance } from '../networking/ports/of-instances.ts'
import {
  createSecurityGroup,
  newSecurityGroupRule,
  removeSecurityGroupRule,
} from '../networking/security-groups/service.ts'
import { type Cloud, newPort, rule, type Tenant, testCloud } from '../networking/testing.ts'
import { startWorker } from '../start-worker.ts'
import { renderDocuments } from './document-rooms.ts'

/**
 * Two agents on this machine with the real network driver, and a real worker. One agent is killed in the
 * middle of a change and started again while changes go on; then it gets the changes that it missed.
 */
const agentMain = path.join(import.meta.dirname, '../../../agent/src/main.ts')
const agentDestroy = path.join(import.meta.dirname, '../../../agent/src/destroy.ts')
const shortId = `t${crypto.randomUUID().slice(0, 4)}`
const data = fs.mkdtempSync(path.join(os.tmpdir(), 'two-'))
const mark = { id: crypto.randomUUID(), epoch: 1, token: crypto.randomUUID() }
type Name = 'one' | 'two'
const envOf = (name: Name) => ({
  ...process.env,
  STRATOLITH_DATA: data,
  STRATOLITH_HOST: name,
  STRATOLITH_CLOUD: shortId,
  STRATOLITH_EGRESS: 'off',
  STRATOLITH_ACCEL: 'tcg',
  STRATOLITH_LOG_LEVEL: 'warn',
})
const socketOf = (name: Name) => path.join(data, 'hosts', name, 'agent.sock')
const agents = {} as Record<Name, ChildProcess>
const remotes: RemoteHost[] = []
let cloud: Cloud
let stop: (() => Promise<void>) | undefined

async function start(name: Name): Promise<void> {
  agents[name] = spawn(process.execPath, [agentMain], { env: envOf(name), stdio: 'ignore' })
  await vi.waitFor(() => health(name), { timeout: 60_000, interval: 50 })
}
const health = (name: Name) =>
  new Promise<void>((resolve, reject) => {
    const request = http.get({ socketPath: socketOf(name), path: '/healthz' }, (response) => {
      response.resume()
      response.on('end', resolve)
    })
    request.on('error', reject)
  })
function end(name: Name, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const agent = agents[name]
  if (!agent || agent.exitCode !== null || agent.signalCode !== null) return Promise.resolve()
  const ended = new Promise<void>((resolve) => agent.once('exit', () => resolve()))
  agent.kill(signal)
  return ended
}

beforeAll(async () => {
  fs.chmodSync(data, 0o711)
  cloud = await testCloud((endpoint) => {
    const remote = connectAgent(endpoint, { cloud: async () => mark })
    remotes.push(remote)
    return remote
  })
  await Promise.all([start('one'), start('two')])
  stop = await startWorker(cloud.deps, {
    id: crypto.randomUUID(),
    reconcilers: ['hosts.documents', 'hosts.heartbeat'],
    onLost: () => undefined,
  })
})
afterAll(async () => {
  await stop?.()
  for (const remote of remotes) remote.close()
  await Promise.all([end('one', 'SIGTERM'), end('two', 'SIGTERM')])
  // This destroys all hosts in the folder.
  execFileSync(process.execPath, [agentDestroy], { env: envOf('one') })
  fs.rmSync(data, { recursive: true })
  await cloud.close()
})

const db = () => cloud.deps.root
const addHost = async (name: Name): Promise<string> => {
  const id = crypto.randomUUID()
  const room = { vcpus: 64, memoryMib: 65_536, diskGib: 1000 }
  await db().host.create({
    data: { id, name, endpoint: `unix:${socketOf(name)}`, ...room },
  })
  return id
}
/** All rules that a host has in its kernel. */
const rulesOf = (name: Name): string =>
  execFileSync('nsenter', [`--net=/run/netns/st${shortId}-${name}`, 'nft', 'list', 'ruleset'], {
    encoding: 'utf8',
  })
const opens = (name: Name, port: number) => new RegExp(`\\b${port}\\b`).test(rulesOf(name))
const soon = { timeout: 30_000, interval: 50 }

/** The differences between a host and the rows. */
async function differences(name: Name, hostId: string): Promise<string[]> {
  const { digests } = await cloud.deps.hosts.at(`unix:${socketOf(name)}`).network.list(plainOp(cloud.system))
  const rows = await db().hostDocument.findMany({ where: { hostId } })
  const wrong = rows.filter((row) => !row.wanted).map((row) => `${row.kind}/${row.thing} is to go`)
  for (const kind of ['network', 'addressSet', 'router', 'port'] as const) {
    const ids = rows.filter((row) => row.kind === kind && row.wanted).map((row) => row.thing)
    for (const [id, spec] of await renderDocuments(cloud.system, kind, ids)) {
      if (digests[id] !== wishDigest[kind](spec as never)) wrong.push(`${kind}/${id} is otherwise`)
      delete digests[id]
    }
  }
  return [...wrong, ...Object.keys(digests).map((id) => `${id} is left over`)]
}

test('an agent that was killed in the middle of a change gets the changes that it missed, while the other goes on', async () => {
  const ctx: Tenant = await testCtx(cloud.deps, { role: 'admin' })
  const hosts = { one: await addHost('one'), two: await addHost('two') }
  const net = await starterNetwork(ctx, { name: 'net' })
  const { id: groupId } = await createSecurityGroup(ctx, { name: 'web', description: '' })
  const revoked = await newSecurityGroupRule(ctx, rule(groupId, { portMin: 40_404 }))
  const port = (hostId: string, address?: string) =>
    newPort(ctx, net.id, { hostId, groups: [groupId], address })
  const gone = crypto.randomUUID()
  const ports = {
    one: await port(hosts.one, '10.0.0.11'),
    two: await port(hosts.two, '10.0.0.21'),
    twin: await port(hosts.two, '10.0.0.22'),
  }
  await newPort(ctx, net.id, { hostId: hosts.two, groups: [groupId], instanceId: gone })
  for (const name of ['one', 'two'] as const)
    await vi.waitFor(() => expect(opens(name, 40_404)).toBe(true), soon)
  await vi.waitFor(async () => expect(await differences('two', hosts.two)).toEqual([]), soon)

  // The agent is in the middle of a change: its kernel has the first of many rules.
  for (let n = 0; n < 12; n++) await port(hosts.two)
  await newSecurityGroupRule(ctx, rule(groupId, { portMin: 50_505 }))
  await vi.waitFor(() => expect(opens('two', 50_505)).toBe(true), { timeout: 30_000, interval: 1 })
  await end('two', 'SIGKILL')

  await removeSecurityGroupRule(ctx, { id: revoked })
  await newSecurityGroupRule(ctx, rule(groupId, { portMin: 60_606 }))
  const [subnetId = ''] = net.subnets.map((subnet) => subnet.id)
  const move = (id: string, address: string) => updatePort(ctx, { id, fixedIps: [{ subnetId, address }] })
  // A port of the absent host gets another address; its former address is free only when the host has confirmed that.
  await move(ports.two, '10.0.0.23')
  await expectCloudError(move(ports.twin, '10.0.0.21'), 'conflict')
  await deletePortsOfInstance(ctx, gone)
  await vi.waitFor(() => {
    expect(opens('one', 60_606)).toBe(true)
    expect(opens('one', 40_404)).toBe(false)
  }, soon)
  await vi.waitFor(async () => expect(await differences('one', hosts.one)).toEqual([]), soon)
  expect(opens('two', 40_404), 'nobody is there to change it').toBe(true)

  const seen: boolean[] = []
  const look = setInterval(() => seen.push(opens('two', 40_404)), 30)
  try {
    await start('two')
    await vi.waitFor(async () => expect(await differences('two', hosts.two)).toEqual([]), soon)
  } finally {
    clearInterval(look)
  }
  // The port is open as before and, once it is closed, never open again.
  expect(seen.length).toBeGreaterThan(5)
  expect(seen.slice(seen.indexOf(false)).filter(Boolean)).toEqual([])
  expect(opens('two', 40_404)).toBe(false)
  expect(opens('two', 60_606)).toBe(true)
  await vi.waitFor(() => move(ports.twin, '10.0.0.21'), soon)

  // A port that moves from the other host finds the network that it needs.
  await inTransaction(ctx, (tx) => bindPort(tx, ports.one, hosts.two))
  for (const name of ['one', 'two'] as const)
    await vi.waitFor(async () => expect(await differences(name, hosts[name])).toEqual([]), soon)
})
