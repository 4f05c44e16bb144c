import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { backgroundOp } from '@stratolith/drivers/op'
import { connectAgent, type RemoteHost } from '@stratolith/drivers/remote'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

/** The agent as a process, with the real drivers and one real QEMU; nothing leaves the machine. */
const here = import.meta.dirname
const cloud = `t${crypto.randomUUID().slice(0, 4)}`
const data = fs.mkdtempSync(path.join(os.tmpdir(), 'agt-'))
const hostDir = path.join(data, 'hosts/one')
const socketPath = path.join(hostDir, 'agent.sock')
const env = {
  ...process.env,
  STRATOLITH_DATA: data,
  STRATOLITH_HOST: 'one',
  STRATOLITH_CLOUD: cloud,
  STRATOLITH_EGRESS: 'off',
  STRATOLITH_ACCEL: 'tcg',
}
const op = backgroundOp(pino({ level: 'silent' }), 'test', 300_000)
const ids = { network: crypto.randomUUID(), port: crypto.randomUUID(), guest: crypto.randomUUID() }
/** Calls the agent as the control plane of a separate cloud does. */
const mark = { id: crypto.randomUUID(), epoch: 1, token: crypto.randomUUID() }
const metadataNamespace = `st${cloud}-one.dhcp.${ids.network}`

let agent: ChildProcess
let host: RemoteHost
const output: string[] = []

async function start(): Promise<void> {
  agent = spawn(process.execPath, [path.join(here, 'main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [agent.stdout, agent.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
  await vi.waitFor(health, { timeout: 60_000, interval: 100 })
}
const exited = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode)
    child.once('exit', resolve)
  })
const health = () =>
  new Promise<{
    pid: number
    adopted: { guests: { running: number; all: number } }
    metadataNetworks: number
  }>((resolve, reject) => {
    const request = http.get({ socketPath, path: '/healthz' }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve(JSON.parse(text))
    })
    request.on('error', reject)
  })
/** From the address of the guest's port; a guest of this test has no system of its own to ask with. */
const ask = (url: string) =>
  execFileSync(
    'nsenter',
    [
      `--net=/run/netns/${metadataNamespace}`,
      'curl',
      '-s',
      '--noproxy',
      '*',
      '--max-time',
      '5',
      '--interface',
      '10.9.0.5',
      `http://169.254.169.254${url}`,
    ],
    { encoding: 'utf8' },
  )
const uuidOfCaller = () => (JSON.parse(ask('/openstack/latest/meta_data.json')) as { uuid: string }).uuid

beforeAll(async () => {
  fs.chmodSync(data, 0o711)
  await start()
  host = connectAgent(`unix:${socketPath}`, { cloud: async () => mark })
})
afterAll(async () => {
  host.close()
  agent.kill('SIGTERM')
  await exited(agent)
  execFileSync(process.execPath, [path.join(here, 'destroy.ts')], { env })
  fs.rmSync(data, { recursive: true })
})

async function build() {
  await host.network.ensureNetwork(op, {
    id: ids.network,
    tag: 1,
    mtu: 1450,
    external: false,
    subnets: [{ id: 'sub', cidr: '10.9.0.0/24', gatewayIp: null, dhcp: true, dhcpIp: '10.9.0.2', dns: [] }],
  })
  const nic = { mac: 'fa:16:3e:09:00:05', mtu: 1450 }
  const { tap } = await host.network.ensurePort(op, {
    id: ids.port,
    tag: 1,
    networkId: ids.network,
    ...nic,
    addresses: [{ subnetId: 'sub', ip: '10.9.0.5', prefix: 24 }],
    hostname: 'guest',
    instanceId: ids.guest,
    projectId: 'p',
    portSecurity: true,
    adminUp: true,
    rules: [],
  })
  const disk = path.join(hostDir, 'instances', ids.guest, 'disk-disk.qcow2')
  fs.mkdirSync(path.dirname(disk), { recursive: true, mode: 0o711 })
  fs.writeFileSync(disk, Buffer.alloc(1_048_576))
  return host.hypervisor.ensure(op, {
    id: ids.guest,
    projectId: 'p',
    name: 'guest',
    vcpus: 1,
    memoryMib: 64,
    power: 'running',
    disks: [{ id: 'disk', path: disk, format: 'raw', boot: true }],
    nics: [{ portId: ids.port, tap, ...nic }],
    volumes: [],
    guest: {
      hostname: 'guest',
      zone: 'nova',
      launchIndex: 0,
      metadata: {},
      publicKeys: [],
      userData: null,
      securityGroups: [],
      flavorName: 'f',
      imageId: null,
    },
  })
}

describe('the agent', () => {
  let pid: number | null = null

  it('builds a guest, whose metadata describe it', async () => {
    const observed = await build()
    expect(observed).toMatchObject({ id: ids.guest, power: 'running' })
    pid = observed.pid
    await vi.waitFor(async () => expect((await health()).metadataNetworks).toBe(1), 60_000)
    execFileSync('ip', ['-n', metadataNamespace, 'addr', 'add', '10.9.0.5/32', 'dev', 'lo'])
    expect(uuidOfCaller()).toBe(ids.guest)
  })

  it('lets no guest connect to its socket', () => {
    const uid = fs.readFileSync(path.join(hostDir, 'instances', ids.guest, 'uid'), 'utf8').trim()
    const call = 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) or exit 7'
    const connectAs = (user: string) =>
      spawnSync(
        'setpriv',
        [
          `--reuid=${user}`,
          `--regid=${user}`,
          '--clear-groups',
          '--bounding-set=-all',
          '--inh-caps=-all',
          '--',
        ].concat(['perl', '-MSocket', '-e', call, socketPath]),
      ).status
    expect(connectAs('0')).toBe(0)
    expect(connectAs(uid)).toBe(7)
    expect(spawnSync('setpriv', [`--reuid=${uid}`, '--clear-groups', '--', 'ls', hostDir]).status).not.toBe(0)
  })

  it('lets no second agent run beside it', async () => {
    const second = spawn(process.execPath, [path.join(here, 'main.ts')], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let words = ''
    second.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words += text
    })
    expect(await exited(second)).not.toBe(0)
    expect(words).toContain(`Another agent (pid ${agent.pid})`)
    expect((await health()).pid).toBe(agent.pid)
  })

  it('finds the guest and its metadata as they were after it was killed', async () => {
    agent.kill('SIGKILL')
    await exited(agent)
    expect(fs.existsSync(`/proc/${pid}`)).toBe(true)
    const started = performance.now()
    await start()
    output.push(`restart took ${Math.round(performance.now() - started)} ms`)
    expect((await health()).adopted).toMatchObject({ network: { failed: 0 }, guests: { running: 1, all: 1 } })
    expect(await host.hypervisor.get(op, ids.guest)).toMatchObject({ power: 'running', pid })
    await vi.waitFor(() => expect(uuidOfCaller()).toBe(ids.guest), 60_000)
  })

  it('is stopped and started again while the guest runs on', async () => {
    agent.kill('SIGTERM')
    expect(await exited(agent)).toBe(0)
    expect(fs.existsSync(path.join(hostDir, 'agent.lock'))).toBe(false)
    await start()
    expect(await host.hypervisor.get(op, ids.guest)).toMatchObject({ power: 'running', pid })
  })

  it('reports a guest that dies, and removes everything when asked to', async () => {
    const told: string[] = []
    const end = host.hypervisor.subscribe((event) => told.push(event.power))
    await vi.waitFor(() => expect(told).toEqual(['running']), 60_000)
    process.kill(pid ?? 0, 'SIGKILL')
    await vi.waitFor(() => expect(told.at(-1)).toBe('crashed'), 60_000)
    end()
    await host.hypervisor.remove(op, ids.guest)
    await host.network.removePort(op, ids.port)
    await host.network.removeNetwork(op, ids.network)
    await vi.waitFor(async () => expect((await health()).metadataNetworks).toBe(0), 60_000)
    // the disk is the storage driver's
    expect(fs.readdirSync(path.join(hostDir, 'instances', ids.guest))).toEqual(['disk-disk.qcow2'])
    fs.rmSync(path.join(hostDir, 'instances', ids.guest), { recursive: true })
    expect(fs.existsSync(`/run/netns/${metadataNamespace}`)).toBe(false)
  })

  it('leaves nothing on the machine after destroy', async () => {
    agent.kill('SIGTERM')
    await exited(agent)
    execFileSync(process.execPath, [path.join(here, 'destroy.ts')], { env })
    expect(fs.readdirSync('/run/netns').filter((name) => name.includes(cloud))).toEqual([])
    await start()
    expect((await health()).adopted).toEqual({
      network: { restored: 0, failed: 0 },
      guests: { running: 0, all: 0 },
    })
  })
})
