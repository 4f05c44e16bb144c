import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { createFakeHypervisor } from '../hypervisor/fake.ts'
import { createFakeNetwork, type FakeNetwork } from '../network/fake.ts'
import type { NetworkSpec, PortSpec, RouterSpec } from '../network/interface.ts'
import { backgroundOp, type Op } from '../op.ts'
import { createFakeStorage } from '../storage/fake.ts'
import type { HostDocument, InstanceWish } from './interface.ts'
import { createDocuments } from './keeper.ts'

const op = backgroundOp(pino({ level: 'silent' }), 'test')
const folders: string[] = []
const folder = () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keeper-'))
  folders.push(dir)
  return dir
}
afterAll(() => {
  for (const dir of folders) fs.rmSync(dir, { recursive: true })
})

const keeperOf = (network: FakeNetwork, dir?: string) =>
  createDocuments({ network, hypervisor: createFakeHypervisor(), storage: createFakeStorage(), dir })

const network = (external = false): NetworkSpec => ({
  id: external ? 'out' : 'net',
  tag: external ? 2 : 1,
  mtu: 1450,
  external,
  subnets: [{ id: 'sub', cidr: '10.0.0.0/24', gatewayIp: '10.0.0.1', dhcp: false, dhcpIp: null, dns: [] }],
})
const port = (tag: number, ip: string | null, rules: PortSpec['rules'] = []): PortSpec => ({
  id: `port-${tag}`,
  tag,
  networkId: 'net',
  mac: `fa:16:3e:00:00:0${tag}`,
  mtu: 1450,
  addresses: ip ? [{ subnetId: 'sub', ip, prefix: 24 }] : [],
  hostname: 'guest',
  instanceId: 'guest',
  projectId: 'p',
  portSecurity: true,
  adminUp: true,
  rules,
})
const router = (tag: number, address: string, floating: string): RouterSpec => ({
  id: `router-${tag}`,
  tag,
  adminUp: true,
  external: { networkId: 'out', address, prefix: 24, gatewayIp: '10.0.0.1' },
  interfaces: [],
  floatingIps: [{ id: `fip-${tag}`, address: floating, fixedAddress: '10.9.0.9' }],
})
const of = {
  network: (body: NetworkSpec, generation = 1): HostDocument => ({
    kind: 'network',
    id: body.id,
    generation,
    body,
  }),
  port: (body: PortSpec, generation = 1): HostDocument => ({ kind: 'port', id: body.id, generation, body }),
  router: (body: RouterSpec, generation = 1): HostDocument => ({
    kind: 'router',
    id: body.id,
    generation,
    body,
  }),
}
const outcomes = (receipts: readonly { outcome: string }[]) => receipts.map(({ outcome }) => outcome)
const ssh: PortSpec['rules'] = [
  { direction: 'ingress', ethertype: 'IPv4', protocol: 6, portMin: 22, portMax: 22, remote: null },
]

describe('what changes places', () => {
  it('two ports their addresses, three of them in a ring', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    const addresses = ['10.0.0.11', '10.0.0.12', '10.0.0.13']
    const at = (turn: number, generation: number) =>
      addresses.map((_, i) => of.port(port(i + 1, addresses[(i + turn) % 3] ?? ''), generation))
    await keeper.apply(op, [of.network(network()), ...at(0, 1)])
    expect(outcomes(await keeper.apply(op, at(1, 2)))).toEqual(['reached', 'reached', 'reached'])
    const pair = [
      of.port(port(1, '10.0.0.13'), 3),
      of.port(port(2, '10.0.0.12'), 3),
      of.port(port(3, '10.0.0.11'), 3),
    ]
    expect(outcomes(await keeper.apply(op, pair))).toEqual(['reached', 'reached', 'reached'])
    const held = [...fake.state.ports.values()].map((one) => one.addresses[0]?.ip)
    expect(held).toEqual(['10.0.0.13', '10.0.0.12', '10.0.0.11'])
  })

  it('two routers their ways out', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    const before = [
      of.router(router(1, '10.0.0.21', '10.0.0.31')),
      of.router(router(2, '10.0.0.22', '10.0.0.32')),
    ]
    await keeper.apply(op, [of.network(network(true)), ...before])
    const after = [
      of.router(router(1, '10.0.0.22', '10.0.0.32'), 2),
      of.router(router(2, '10.0.0.21', '10.0.0.31'), 2),
    ]
    expect(outcomes(await keeper.apply(op, after))).toEqual(['reached', 'reached'])
    expect(fake.state.routers.get('router-1')).toEqual(router(1, '10.0.0.22', '10.0.0.32'))
  })

  it('one that waits for what nobody gives up says so, and the others go on', async () => {
    const keeper = keeperOf(createFakeNetwork())
    await keeper.apply(op, [of.network(network()), of.port(port(1, '10.0.0.11'))])
    const receipts = await keeper.apply(op, [of.port(port(2, '10.0.0.11')), of.port(port(3, '10.0.0.13'))])
    expect(receipts).toMatchObject([{ outcome: 'failed', code: 'conflict' }, { outcome: 'reached' }])
  })
})

describe('what changes no places', () => {
  const addressesOf = (fake: FakeNetwork) =>
    [...fake.state.ports.values()].map((one) => one.addresses.map(({ ip }) => ip))
  const with2 = (tag: number, ip: string, other: string): PortSpec => {
    const one = port(tag, ip)
    return { ...one, addresses: [...one.addresses, { subnetId: 'sub', ip: other, prefix: 24 }] }
  }
  const ips = ['10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.14']
  /** Two that have changed places in the second generation. */
  const two = (kind: 'port' | 'router', generation: 1 | 2) => {
    const at = [...(generation === 1 ? ['10.0.0.11', '10.0.0.12'] : ['10.0.0.12', '10.0.0.11'])]
    return at.map((ip, i) =>
      kind === 'port'
        ? of.port(port(i + 1, ip), generation)
        : of.router(router(i + 1, ip, `10.0.0.3${i + 1}`), generation),
    )
  }
  /** The second could have the address of the first, but that is not what fails. Returns the way to mend it. */
  const breakExchange = (fake: FakeNetwork, kind: 'port' | 'router'): (() => void) => {
    const method = kind === 'port' ? 'ensurePort' : 'ensureRouter'
    const work = fake[method].bind(fake) as (op: Op, spec: never) => Promise<never>
    let isBroken = true
    fake[method] = async (given: Op, spec: { id: string }) => {
      const isNew = JSON.stringify(spec).includes(spec.id.endsWith('2') ? '10.0.0.11' : '10.0.0.12')
      const isFree = !JSON.stringify(fake.state[`${kind}s`].get(`${kind}-1`)).includes('10.0.0.11')
      if (isBroken && isNew && isFree) throw new DriverError('failed', 'nft: no')
      return work(given, spec as never)
    }
    return () => {
      isBroken = false
    }
  }

  it('keeps its addresses while it waits for those of others', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    await keeper.apply(op, [of.network(network()), ...ips.map((ip, i) => of.port(port(i + 1, ip)))])
    const wishes = [
      of.port(with2(3, '10.0.0.13', '10.0.0.11'), 2),
      of.port(with2(4, '10.0.0.14', '10.0.0.12'), 2),
    ]
    expect(await keeper.apply(op, wishes)).toMatchObject([{ code: 'conflict' }, { code: 'conflict' }])
    expect(addressesOf(fake)).toEqual(ips.map((ip) => [ip]))
  })

  it('keeps them also when another one that waits has nothing to do with it', async () => {
    const fake = createFakeNetwork()
    const keeper = keeperOf(fake)
    const routers = [
      of.router(router(1, '10.0.0.21', '10.0.0.31')),
      of.router(router(2, '10.0.0.22', '10.0.0.32')),
    ]
    await keeper.apply(op, [of.network(network()), of.port(port(1, '10.0.0.11')), of.network(network(true))])
    await keeper.apply(op, routers)
    const wishes: HostDocument[] = [
      of.router(router(1, '10.0.0.21', '10.0.0.32'), 2),
      { kind: 'network', id: 'net', generation: 2, body: null },
    ]
    expect(outcomes(await keeper.apply(op, wishes))).toEqual(['failed', 'failed'])
    expect(fake.state.routers.get('router-1')).toEqual(router(1, '10.0.0.21', '10.0.0.31'))
  })

  it('gets them back when it gave way in vain', async () => {
    for (const kind of ['port', 'router'] as const) {
      const fake = createFakeNetwork()
      const keeper = keeperOf(fake)
      await keeper.apply(op, [of.network(network()), of.network(network(true))])
      await keeper.apply(op, two(kind, 1))
      const mend = breakExchange(fake, kind)
      const wishes = two(kind, 2)
      expect(outcomes(await keeper.apply(op, wishes))).toEqual(['failed', 'failed'])
      expect(JSON.stringify(fake.state[`${kind}s`].get(`${kind}-1`)), kind).toContain('10.0.0.11')
      mend()
      expect(outcomes(await keeper.apply(op, wishes))).toEqual(['reached', 'reached'])
    }
  })

  it.each(['port', 'router'] as const)('gets them back also from the next agent: a %s', async (kind) => {
    for (let steps = 0; ; steps++) {
      const [dir, fake] = [folder(), createFakeNetwork()]
      const keeper = keeperOf(fake, dir)
      await keeper.apply(op, [of.network(network()), of.network(network(true)), ...two(kind, 1)])
      breakExchange(fake, kind)
      const killed = new Promise<void>((resolve) => fake.killAfter(steps, resolve))
      const ended = keeper.apply(op, two(kind, 2)).then(() => 'ended' as const)
      const isOver = (await Promise.race([killed, ended])) === 'ended'
      const fake2 = createFakeNetwork({ state: fake.state })
      await fake2.restore(op)
      const mend = breakExchange(fake2, kind)
      const next = keeperOf(fake2, dir)
      expect(outcomes(await next.apply(op, two(kind, 2)))).toEqual(['failed', 'failed'])
      const where = `killed after ${steps} steps`
      expect(JSON.stringify(fake.state[`${kind}s`].get(`${kind}-1`)), where).toContain('10.0.0.11')
      mend()
      expect(outcomes(await next.apply(op, two(kind, 2))), where).toEqual(['reached', 'reached'])
      if (!isOver) continue
      expect(steps).toBeGreaterThan(3)
      return
    }
  })
})

describe('a failure', () => {
  it('of whichever kind is the failure of one document alone', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    const keeper = keeperOf(fake, dir)
    await keeper.apply(op, [of.network(network())])
    const inTheWay = path.join(dir, 'port/port-1.json.tmp')
    fs.mkdirSync(inTheWay)
    const both = [of.port(port(1, '10.0.0.11')), of.port(port(2, '10.0.0.12'))]
    expect(await keeper.apply(op, both)).toMatchObject([
      { id: 'port-1', outcome: 'failed', code: 'failed', message: expect.stringContaining('EISDIR') },
      { outcome: 'reached' },
    ])
    expect(fake.state.ports.has('port-1')).toBe(false)
    // It has not been heard: not even its generation is on the disk.
    expect(await keeper.list(op, 'port')).toMatchObject([{ id: 'port-2' }])
    fs.rmdirSync(inTheWay)
    expect(outcomes(await keeper.apply(op, both))).toEqual(['reached', 'reached'])
  })

  it('for want of room on the disk says so', async () => {
    const fake = createFakeNetwork()
    fake.ensureNetwork = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
    expect(await keeperOf(fake).apply(op, [of.network(network())])).toMatchObject([
      { outcome: 'failed', code: 'no_space' },
    ])
  })
})

describe('a guest', () => {
  const guestId = '00000000-0000-4000-8000-000000000001'
  const wish = (ports: readonly string[]): InstanceWish => ({
    id: guestId,
    projectId: 'p',
    name: 'guest',
    vcpus: 1,
    memoryMib: 64,
    power: 'running',
    disk: {
      sizeGib: 1,
      mode: 'overlay',
      base: { blobId: 'a'.repeat(64), format: 'qcow2', maxVirtualBytes: 2 ** 30 },
    },
    ports,
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
  const guest = (ports: readonly string[] | null, generation = 1): HostDocument => ({
    kind: 'instance',
    id: guestId,
    generation,
    body: ports && wish(ports),
  })
  const its = (tag: number, ip: string, rules?: PortSpec['rules']) => ({
    ...port(tag, ip, rules),
    instanceId: guestId,
  })
  const gone = (id: string, generation = 2): HostDocument => ({ kind: 'port', id, generation, body: null })
  async function running(dir?: string) {
    const host = {
      network: createFakeNetwork(),
      hypervisor: createFakeHypervisor(),
      storage: createFakeStorage(),
    }
    const keeper = createDocuments({ ...host, dir })
    const first = [
      of.network(network()),
      of.port(its(1, '10.0.0.11', ssh)),
      of.port(its(2, '10.0.0.12', ssh)),
    ]
    const receipts = await keeper.apply(op, [...first, guest(['port-1', 'port-2'])])
    expect(outcomes(receipts)).toEqual(['reached', 'reached', 'reached', 'reached'])
    return { ...host, keeper }
  }

  it('that does not let go of a port has nothing of it meanwhile', async () => {
    const { network, hypervisor, keeper } = await running()
    hypervisor.keepNics(guestId, true)
    const leaving = [guest(['port-1'], 2), gone('port-2')]
    const working = { outcome: 'working', for: 'the guest to let go of its interface' }
    expect(await keeper.apply(op, leaving)).toMatchObject([working, working])
    expect(network.state.ports.get('port-2')).toMatchObject({ adminUp: false, rules: [] })
    // What is older does not bring it back.
    expect(await keeper.apply(op, [of.port(its(2, '10.0.0.12', ssh))])).toMatchObject([
      { outcome: 'older', known: 2 },
    ])
    // Nor does it go under the hand of the guest when that is not told of at the same time.
    expect(await keeper.apply(op, leaving.slice(1))).toMatchObject([working])
    expect(network.state.ports.has('port-2')).toBe(true)
    hypervisor.keepNics(guestId, false)
    expect(outcomes(await keeper.apply(op, leaving))).toEqual(['reached', 'reached'])
    expect(network.state.ports.has('port-2')).toBe(false)
  })

  it('that does not let go of a port has it also for the next agent, and for one that is told of the port alone', async () => {
    for (const isKilled of [false, true]) {
      const dir = folder()
      const { keeper, ...host } = await running(dir)
      host.hypervisor.keepNics(guestId, true)
      const { plugNics } = host.hypervisor
      const asked = new Promise<void>((resolve) => {
        host.hypervisor.plugNics = (...args) => {
          resolve()
          return isKilled ? new Promise(() => undefined) : plugNics(...args)
        }
      })
      const told = keeper.apply(op, [guest(['port-1'], 2), gone('port-2')])
      await (isKilled ? asked : told)
      const next = createDocuments({ ...host, dir })
      const working = { outcome: 'working', for: 'the guest to let go of its interface' }
      expect(await next.apply(op, [gone('port-2')])).toMatchObject([working])
      expect(host.network.state.ports.get('port-2')).toMatchObject({ adminUp: false, rules: [] })
      host.hypervisor.keepNics(guestId, false)
      host.hypervisor.plugNics = plugNics
      const both = await next.apply(op, [guest(['port-1'], 2), gone('port-2')])
      expect(outcomes(both)).toEqual(['reached', 'reached'])
      expect(host.network.state.ports.has('port-2')).toBe(false)
    }
  })

  it('that cannot be changed says why its port does not go', async () => {
    const { network, hypervisor, keeper } = await running()
    hypervisor.failNext('plugNics', new DriverError('failed', 'QMP: no'))
    const failed = { outcome: 'failed', code: 'failed', message: 'QMP: no' }
    expect(await keeper.apply(op, [guest(['port-1'], 2), gone('port-2')])).toMatchObject([failed, failed])
    expect(network.state.ports.get('port-2')?.adminUp).toBe(false)
  })

  it('that takes its time to go holds up no revocation', async () => {
    const { network, hypervisor, keeper } = await running()
    await keeper.apply(op, [of.port(port(3, '10.0.0.13', ssh)), of.port(port(4, '10.0.0.14'))])
    let go: () => void = () => undefined
    const remove = hypervisor.remove.bind(hypervisor)
    hypervisor.remove = async (...args) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      return remove(...args)
    }
    const moved = of.port(port(4, '10.0.0.12'), 2)
    const told = keeper.apply(op, [
      guest(null, 2),
      gone('port-1'),
      gone('port-2'),
      of.port(port(3, '10.0.0.13'), 2),
      moved,
    ])
    await expect.poll(() => network.state.ports.get('port-3')?.rules).toEqual([])
    expect(hypervisor.state.instances[guestId]).toBeDefined()
    go()
    // An address of a port that goes is there for another one, after all.
    expect(outcomes(await told)).toEqual(['reached', 'reached', 'reached', 'reached', 'reached'])
    expect(network.state.ports.get('port-4')).toEqual(moved.body)
  })

  it('that is new gets its disk while its ports are made, and none by an older wish', async () => {
    const net = of.network(network())
    const [plane, hypervisor, storage] = [createFakeNetwork(), createFakeHypervisor(), createFakeStorage()]
    const keeper = createDocuments({ network: plane, hypervisor, storage })
    const disk = () => storage.findDisk(op, { id: guestId, instanceId: guestId })
    const gate = Promise.withResolvers<void>()
    const ensurePort = plane.ensurePort.bind(plane)
    plane.ensurePort = (...args) => gate.promise.then(() => ensurePort(...args))
    const all = [net, of.port(its(1, '10.0.0.11')), guest(['port-1'])]
    const told = keeper.apply(op, all)
    await expect.poll(disk).not.toBeNull()
    expect(hypervisor.state.instances[guestId]).toBeUndefined()
    gate.resolve()
    expect(outcomes(await told)).toEqual(['reached', 'reached', 'reached'])

    expect(outcomes(await keeper.apply(op, [guest(null, 3)]))).toEqual(['reached'])
    expect(outcomes(await keeper.apply(op, [guest(['port-1'], 2)]))).toEqual(['older'])
    expect(await disk()).toBeNull()
  })

  it('that is new and whose disk cannot be made says why', async () => {
    const storage = createFakeStorage()
    const keeper = createDocuments({
      network: createFakeNetwork(),
      hypervisor: createFakeHypervisor(),
      storage,
    })
    const ensureDisk = storage.ensureDisk.bind(storage)
    storage.ensureDisk = async () => {
      throw new DriverError('no_space', 'The disk is full.')
    }
    expect(await keeper.apply(op, [guest([])])).toMatchObject([{ outcome: 'failed', code: 'no_space' }])
    storage.ensureDisk = ensureDisk
    expect(outcomes(await keeper.apply(op, [guest([])]))).toEqual(['reached'])
  })

  it('that is there already is looked at without all the others', async () => {
    const { storage, keeper } = await running()
    storage.failNext('listDisks', new DriverError('failed', 'There are too many.'))
    const again = guest(['port-1', 'port-2'], 2)
    if (again.kind !== 'instance' || !again.body) throw new Error('a guest was meant')
    const document = { ...again, body: { ...again.body, disk: null } }
    expect(outcomes(await keeper.apply(op, [document]))).toEqual(['reached'])
  })

  it('whose description is damaged is described anew and then loses its NIC', async () => {
    const { hypervisor, keeper } = await running()
    let isDamaged = true
    const { describe, ensure, plugNics } = hypervisor
    hypervisor.describe = async (...args) => (isDamaged ? null : describe(...args))
    hypervisor.ensure = async (...args) => {
      isDamaged = false
      return ensure(...args)
    }
    hypervisor.plugNics = async (...args) => {
      if (isDamaged) throw new DriverError('invalid', 'The record is damaged: ensure it again.')
      return plugNics(...args)
    }
    expect(outcomes(await keeper.apply(op, [guest(['port-1'], 2)]))).toEqual(['reached'])
    const spec = await describe(op, guestId)
    expect(spec?.nics.map((nic) => nic.portId)).toEqual(['port-1'])
  })
})

describe('of one thing', () => {
  it('what is told again and fails counts as reached no longer', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    const keeper = keeperOf(fake, dir)
    const document = of.network(network(), 3)
    await keeper.apply(op, [document])
    fake.failNext('ensureNetwork', new DriverError('failed', 'nft: no'))
    expect(outcomes(await keeper.apply(op, [document]))).toEqual(['failed'])
    const kept = { id: 'net', generation: 3, reached: false }
    expect(await keeper.list(op, 'network')).toMatchObject([kept])
    expect(await keeperOf(fake, dir).list(op, 'network')).toMatchObject([kept])
    await keeper.apply(op, [document])
    expect(await keeper.list(op, 'network')).toMatchObject([{ ...kept, reached: true }])
  })

  it('two deliveries at once, in whichever order they come, end as the newer one says', async () => {
    for (const [first, second] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const fake = createFakeNetwork()
      const dir = folder()
      const keeper = keeperOf(fake, dir)
      await keeper.apply(op, [of.network(network())])
      const rulesAt = (generation: number) => (generation === 1 ? ssh : [])
      const deliver = (generation: number) =>
        keeper.apply(op, [of.port(port(1, '10.0.0.11', rulesAt(generation)), generation)])
      const older = deliver(first)
      const newer = Array.from({ length: 20 }, () => deliver(second))
      await Promise.all([older, ...newer])
      expect(fake.state.ports.get('port-1')?.rules, `${first} before ${second}`).toEqual([])
      const again = keeperOf(fake, dir)
      expect((await again.list(op, 'port')).find((one) => one.kind === 'port')).toMatchObject({
        generation: 2,
        reached: true,
      })
    }
  })

  it('an older one is refused, also by an agent that was killed while it worked on the newer one', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    const keeper = keeperOf(fake, dir)
    await keeper.apply(op, [of.network(network()), of.port(port(1, '10.0.0.11', ssh))])
    fake.ensurePort = () => new Promise(() => undefined)
    void keeper.apply(op, [of.port(port(1, '10.0.0.11'), 2)])
    await expect
      .poll(() => fs.readFileSync(path.join(dir, 'port/port-1.json'), 'utf8'))
      .toContain('"generation":2')
    const network2 = createFakeNetwork({ state: fake.state })
    const next = keeperOf(network2, dir)
    expect(await next.apply(op, [of.port(port(1, '10.0.0.11', ssh))])).toMatchObject([
      { outcome: 'older', known: 2 },
    ])
    expect(outcomes(await next.apply(op, [of.port(port(1, '10.0.0.11'), 2)]))).toEqual(['reached'])
    expect(fake.state.ports.get('port-1')?.rules).toEqual([])
  })

  it('what is half written or spoiled is told anew', async () => {
    const fake = createFakeNetwork()
    const dir = folder()
    await keeperOf(fake, dir).apply(op, [of.network(network(), 7)])
    fs.writeFileSync(path.join(dir, 'network/net.json'), '{"kind":"netw')
    fs.writeFileSync(path.join(dir, 'network/net.json.tmp'), '{"kind":"netw')
    const next = keeperOf(fake, dir)
    expect(await next.list(op, 'network')).toEqual([])
    expect(fs.readdirSync(path.join(dir, 'network'))).toEqual([])
    expect(outcomes(await next.apply(op, [of.network(network(), 7)]))).toEqual(['reached'])
  })
})
