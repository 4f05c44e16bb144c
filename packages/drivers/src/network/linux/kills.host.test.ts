import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { wishDigest } from '../digest.ts'
import type { RouterSpec } from '../interface.ts'
import {
  egressAll,
  externalSpec,
  inNamespace,
  networkSpec,
  op,
  portSpec,
  tcpFrom,
  temporaryFolder,
} from '../testing/lab.ts'
import { done, failOnce, killAfter, mortalExec, mortalFiles, revive, watchSignals } from './kills.testing.ts'
import { createLinuxNetwork, type LinuxNetwork } from './linux.ts'
import { removeAllNetworks } from './remove-all.ts'

vi.mock('./exec.ts', async (original) => mortalExec(await original()))
vi.mock('node:fs/promises', async (original) => mortalFiles(await original()))

/** These tests kill an agent before each of its effects in turn and start it again: nothing that a change removed may survive or come back. */

const cloud = `k${process.pid.toString(36).padStart(4, '0').slice(-4)}`
const plane = `st${cloud}-h1`
const folder = temporaryFolder()
const dir = `${folder.path}/network`
const start = (): LinuxNetwork => createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off', snapshotMs: 0 })

const red = networkSpec('red', 1)
const floor = externalSpec('floor', 2)
const open = portSpec('web', 11, red, {
  rules: [egressAll, tcpFrom(22), tcpFrom(80, { addressSet: 'friends' })],
})
const friends = { id: 'friends', addresses: ['10.0.0.12', '10.0.0.13'] }
const router: RouterSpec = {
  id: 'router',
  tag: 1,
  adminUp: true,
  external: { networkId: 'floor', address: '172.24.4.10', prefix: 24, gatewayIp: '172.24.4.1' },
  interfaces: [
    { portId: 'router-red', networkId: 'red', mac: 'fa:16:3e:00:01:01', address: '10.0.0.1', prefix: 24 },
  ],
  floatingIps: [{ id: 'f', address: '172.24.4.20', fixedAddress: '10.0.0.11' }],
}
const moved = { ...open, addresses: open.addresses.map((one) => ({ ...one, ip: '10.0.0.77' })) }
const elsewhere = { id: 'f', address: '172.24.4.20', fixedAddress: '10.0.0.12' }

/** An established connection in the words of conntrack(8). In a router's namespace it uses a floating IP. */
type Flow = { namespace: string; words: string[] }
const tcp = (source: string, target: string, port: number) =>
  ['-s', source, '-d', target, '-p', 'tcp', '--sport', '5000', '--dport', String(port)] as const
const bridged = (source: string, target: string, port: number): Flow => {
  const { slot } = JSON.parse(readFileSync(`${dir}/networks/red.json`, 'utf8')) as { slot: number }
  return { namespace: plane, words: ['-w', String(slot), ...tcp(source, target, port)] }
}
const routed = (): Flow => ({
  namespace: `${plane}.router.router`,
  words: [...tcp('172.24.4.200', '172.24.4.20', 22)],
})
const backFrom = (guest: string) =>
  ['-r', guest, '-q', '172.24.4.200', '--reply-port-src', '22', '--reply-port-dst', '5000'] as const
function begin({ namespace, words }: Flow): void {
  const back = namespace === plane ? [] : backFrom('10.0.0.11')
  inNamespace(namespace, 'conntrack', '-I', ...words, ...back, '--state', 'ESTABLISHED', '-t', '600')
}
function lives({ namespace, words }: Flow): boolean {
  try {
    return inNamespace(namespace, 'conntrack', '-L', ...words).includes('ESTABLISHED')
  } catch (error) {
    // The router's namespace is gone, and its flows with it.
    if (namespace !== plane) return false
    throw error
  }
}
const rulesText = () => inNamespace(plane, 'nft', 'list', 'ruleset')

type Story = {
  change: (driver: LinuxNetwork) => Promise<unknown>
  /** The flow that the change must end, and whether the kernel would accept a new flow like it. */
  flow: () => Flow
  allowed: () => boolean
  digest: [string, string | undefined]
}
const stories: Record<string, Story> = {
  'a rule goes': {
    change: (driver) => driver.ensurePort(op(), { ...open, rules: open.rules.slice(2) }),
    flow: () => bridged('10.0.0.12', '10.0.0.11', 22),
    allowed: () => rulesText().includes('dport 22 '),
    digest: ['web', wishDigest.port({ ...open, rules: open.rules.slice(2) })],
  },
  'an address changes': {
    change: (driver) => driver.ensurePort(op(), moved),
    flow: () => bridged('10.0.0.12', '10.0.0.11', 22),
    allowed: () => rulesText().includes('10.0.0.11'),
    digest: ['web', wishDigest.port(moved)],
  },
  'a member leaves a group': {
    change: (driver) => driver.ensureAddressSet(op(), { id: 'friends', addresses: ['10.0.0.13'] }),
    flow: () => bridged('10.0.0.12', '10.0.0.11', 80),
    allowed: () => rulesText().includes('10.0.0.12'),
    digest: ['friends', wishDigest.addressSet({ id: 'friends', addresses: ['10.0.0.13'] })],
  },
  'a port goes': {
    change: (driver) => driver.removePort(op(), 'web'),
    flow: () => bridged('10.0.0.12', '10.0.0.11', 22),
    allowed: () => rulesText().includes('dport 22 '),
    digest: ['web', undefined],
  },
  'a floating IP goes': {
    change: (driver) => driver.ensureRouter(op(), { ...router, floatingIps: [] }),
    flow: routed,
    allowed: () => addressesOfRouter().includes('172.24.4.20'),
    digest: ['router', wishDigest.router({ ...router, floatingIps: [] })],
  },
  'a floating IP leads to another guest': {
    change: (driver) => driver.ensureRouter(op(), { ...router, floatingIps: [elsewhere] }),
    flow: routed,
    allowed: () =>
      inNamespace(`${plane}.router.router`, 'nft', 'list', 'ruleset').includes('172.24.4.20 : 10.0.0.11'),
    digest: ['router', wishDigest.router({ ...router, floatingIps: [elsewhere] })],
  },
  'a router goes': {
    change: (driver) => driver.removeRouter(op(), 'router'),
    flow: routed,
    allowed: () => addressesOfRouter().includes('172.24.4.20'),
    digest: ['router', undefined],
  },
}
function addressesOfRouter(): string {
  try {
    return inNamespace(`${plane}.router.router`, 'ip', 'address', 'show')
  } catch {
    return ''
  }
}

async function begun(flow: () => Flow): Promise<LinuxNetwork> {
  const driver = start()
  await driver.restore(op())
  for (const network of [red, floor]) await driver.ensureNetwork(op(), network)
  await driver.ensureAddressSet(op(), friends)
  await driver.ensureRouter(op(), router)
  await driver.ensurePort(op(), open)
  if (!lives(flow())) begin(flow())
  expect(lives(flow())).toBe(true)
  return driver
}

/** True when the DHCP server was signalled after its files were last written. */
const heard = (all: readonly string[]) => all.lastIndexOf('leases') <= all.lastIndexOf('signal')

beforeAll(() => watchSignals())
afterAll(async () => {
  await removeAllNetworks(op(), { cloud, dirs: [dir] })
  folder.remove()
  vi.restoreAllMocks()
})

describe.each(Object.entries(stories))('killed while %s', (_name, { change, flow, allowed, digest }) => {
  it('the change is complete or not begun after a restart, and complete when it is repeated', async () => {
    for (let kills = 0; ; kills += 1) {
      const driver = await begun(flow)
      killAfter(kills)
      const ended = await change(driver).then(
        () => 'done',
        () => 'killed',
      )
      const before = [...done()]
      revive()
      const was = allowed()
      const next = start()
      expect(await next.restore(op())).toMatchObject({ failed: [] })
      const where = `killed after: ${before.join(', ') || 'nothing'}`
      if (!was) expect(allowed(), `came back, ${where}`).toBe(false)
      if (!allowed()) expect(lives(flow()), `flow, ${where}`).toBe(false)
      expect(heard(done()), `leases, ${where}`).toBe(true)
      await change(next)
      expect([allowed(), lives(flow())], `asked again, ${where}`).toEqual([false, false])
      expect(heard(done()), `leases, asked again, ${where}`).toBe(true)
      const [id, wish] = digest
      expect((await next.list(op())).digests[id], where).toBe(wish)
      if (ended === 'done') {
        // A power cut does not undo the change either: its record is on the disk before the kernel is changed.
        expect(before.slice(0, 3)).toEqual(['sync', `record ${id}`, 'sync'])
        return
      }
    }
  })
})

describe('killed while a port is made', () => {
  const fresh = portSpec('fresh', 14, red)

  it('the DHCP server reads the lease of the port, also when the agent had already written the file', async () => {
    for (let kills = 0; ; kills += 1) {
      const driver = await begun(stories['a port goes']?.flow ?? routed)
      // The port is the only one: with several ports a different order of the records would change the file.
      for (const id of ['fresh', 'web']) await driver.removePort(op(), id)
      killAfter(kills)
      const ended = await driver.ensurePort(op(), fresh).then(
        () => 'done',
        () => 'killed',
      )
      const before = [...done()]
      revive()
      const next = start()
      expect(await next.restore(op())).toMatchObject({ failed: [] })
      expect(heard(done()), `killed after: ${before.join(', ')}`).toBe(true)
      await next.ensurePort(op(), fresh)
      expect(heard(done()), `asked again, killed after: ${before.join(', ')}`).toBe(true)
      expect((await next.list(op())).digests.fresh).toBe(wishDigest.port(fresh))
      if (ended !== 'done') continue
      expect(before).not.toContain('sync')
      expect(before).toContain('signal')
      return
    }
  })

  it('the DHCP server reads the lease also when the signal failed and the same agent repeats the call', async () => {
    const driver = await begun(stories['a port goes']?.flow ?? routed)
    await driver.removePort(op(), 'fresh')
    killAfter(Number.POSITIVE_INFINITY)
    await driver.ensurePort(op(), fresh)
    const untilSignal = done().indexOf('signal')
    await driver.removePort(op(), 'fresh')
    killAfter(untilSignal)
    await expect(driver.ensurePort(op(), fresh)).rejects.toThrow('signal')
    revive()
    expect((await driver.list(op())).digests.fresh).toBeUndefined()
    await driver.ensurePort(op(), fresh)
    expect(heard(done())).toBe(true)
  })

  it('leaves no record when the port cannot be made', async () => {
    const driver = await begun(stories['a port goes']?.flow ?? routed)
    const poor = portSpec('poor', 15, red)
    const { tap } = await driver.ensurePort(op(), poor)
    await driver.removePort(op(), 'poor')
    killAfter(Number.POSITIVE_INFINITY)
    await driver.ensurePort(op(), poor)
    const untilLinks = done().indexOf('links')
    await driver.removePort(op(), 'poor')
    failOnce(untilLinks)
    await expect(driver.ensurePort(op(), poor)).rejects.toThrow('failed')
    expect(inNamespace(plane, 'ip', 'link')).not.toContain(tap)
    // The address of the failed port is free.
    await driver.ensurePort(op(), { ...poor, id: 'rich', tag: 16 })
    await driver.removePort(op(), 'rich')
  })
})
