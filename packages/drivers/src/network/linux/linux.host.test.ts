import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PortSpec, RouterSpec } from '../interface.ts'
import { arp, broadcast, ethernet, hex, ipv4, udp } from '../testing/frames.ts'
import {
  egressAll,
  externalSpec,
  Guest,
  inNamespace,
  ip,
  networkSpec,
  op,
  portSpec,
  quiet,
  tcpFrom,
  temporaryFolder,
} from '../testing/lab.ts'
import { createLinuxNetwork, type LinuxNetwork } from './linux.ts'
import { removeAllNetworks } from './remove-all.ts'

const cloud = `t${process.pid.toString(36).padStart(4, '0').slice(-4)}`
const plane = `st${cloud}-h1`
const folder = temporaryFolder()
const dir = `${folder.path}/network`
let driver: LinuxNetwork

const red = networkSpec('red', 1)
const blue = networkSpec('blue', 2)
const green = networkSpec('green', 3, '10.1.0')
const floor = externalSpec('floor', 4)
const ports = {
  web: portSpec('web', 11, red),
  peer: portSpec('peer', 12, red),
  spy: portSpec('spy', 13, red),
  twin: portSpec('twin', 12 + 250, blue),
  far: portSpec('far', 21, green),
}
type Name = keyof typeof ports
const guests = {} as Record<Name, Guest>
let host: Guest
const address = (name: Name) => ports[name].addresses[0]?.ip ?? ''
const router: RouterSpec = {
  id: 'router',
  tag: 1,
  adminUp: true,
  external: { networkId: 'floor', address: '172.24.4.10', prefix: 24, gatewayIp: '172.24.4.1' },
  interfaces: [
    { portId: 'router-red', networkId: 'red', mac: 'fa:16:3e:00:01:01', address: '10.0.0.1', prefix: 24 },
    { portId: 'router-green', networkId: 'green', mac: 'fa:16:3e:00:01:02', address: '10.1.0.1', prefix: 24 },
  ],
  floatingIps: [],
}

/** Plugs a guest into a port that the driver has made, with its address set by hand. */
async function boot(name: Name): Promise<Guest> {
  const spec = ports[name]
  const { tap } = await driver.ensurePort(op(), spec)
  const namespace = `nt${cloud}-${name}`
  ip('netns', 'add', namespace)
  const guest = new Guest(namespace, { dataPlane: plane, tap, mac: spec.mac })
  await guest.ready()
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
  // As DHCP tells it: the bridge rightly drops frames (and fragments) that are larger.
  ip('-n', namespace, 'link', 'set', 'eth0', 'mtu', String(spec.mtu))
  ip('-n', namespace, 'address', 'add', `${address(name)}/24`, 'dev', 'eth0')
  ip('-n', namespace, 'route', 'add', 'default', 'via', address(name).replace(/\d+$/, '1'))
  return guest
}
const pidOf = () => Number(readFileSync(`${dir}/dhcp/red.pid`, 'utf8'))
const change = (name: Name, more: Partial<PortSpec>) => driver.ensurePort(op(), { ...ports[name], ...more })
/** Frames that a guest got during `work` and a little after. */
async function seenBy(name: Name, work: () => Promise<unknown>): Promise<string[]> {
  await guests[name].do('sniff')
  await work()
  await sleep(250)
  return guests[name].frames()
}

beforeAll(async () => {
  driver = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off', log: quiet, watchMs: 200 })
  for (const network of [red, blue, green, floor]) await driver.ensureNetwork(op(), network)
  await driver.ensureRouter(op(), router)
  for (const name of Object.keys(ports) as Name[]) guests[name] = await boot(name)
  host = new Guest(plane)
  await host.ready()
  for (const name of ['web', 'peer', 'twin', 'far'] as const) {
    await guests[name].do('listen', { port: 22 })
    await guests[name].do('udp_echo', { port: 53 })
  }
})

afterAll(async () => {
  driver?.close()
  await Promise.all([...Object.values(guests), host].filter(Boolean).map((guest) => guest.end()))
  for (const name of Object.keys(ports)) if (guests[name as Name]) ip('netns', 'delete', `nt${cloud}-${name}`)
  await removeAllNetworks(op(), { cloud, dirs: [dir] })
  folder.remove()
})

describe('DHCP', () => {
  it('gives a guest its address, routes, MTU, name and DNS', async () => {
    const lease = await guests.web.do<Record<string, string>>('dhcp')
    expect(lease).toMatchObject({
      address: '10.0.0.11',
      '1': 'ffffff00',
      '3': '0a000001',
      '6': '09090909',
      '12': Buffer.from('web').toString('hex'),
      '26': (1450).toString(16).padStart(4, '0'),
      '121': '20a9fea9fe0a000002000a000001',
    })
  })

  it('takes a name for a name, also when dnsmasq has a meaning for it (A11)', async () => {
    const served = pidOf()
    for (const hostname of ['ignore', 'infinite', '60', '2w', 'set', 'web']) {
      await change('peer', { hostname })
      // dnsmasq reads its files some time after the signal.
      await expect
        .poll(() => guests.peer.do('dhcp', { timeout: 1 }), { timeout: 5_000, message: hostname })
        .toMatchObject({ address: '10.0.0.12', '12': Buffer.from(hostname).toString('hex') })
    }
    expect(await guests.web.do('dhcp')).toMatchObject({
      address: '10.0.0.11',
      '12': Buffer.from('web').toString('hex'),
    })
    await change('peer', {})
    // By the same process: a change that kills dnsmasq leaves a network without DHCP until it is started again.
    expect(pidOf()).toBe(served)
  })

  it('answers nobody in the name of another', async () => {
    expect(await guests.spy.do('dhcp', { chaddr: ports.web.mac, timeout: 1 })).toBeNull()
  })

  it('is started again when dnsmasq dies, and found again by a new driver', async () => {
    const first = pidOf()
    const second = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off' })
    expect(await second.restore(op())).toMatchObject({ failed: [] })
    expect(pidOf()).toBe(first)
    process.kill(first, 'SIGKILL')
    await expect.poll(pidOf, { timeout: 5_000 }).not.toBe(first)
    await expect
      .poll(() => guests.web.do('dhcp', { timeout: 1 }), { timeout: 5_000 })
      .toMatchObject({ address: '10.0.0.11' })
  })

  it('runs without root rights', () => {
    const status = readFileSync(`/proc/${readFileSync(`${dir}/dhcp/red.pid`, 'utf8').trim()}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t65534\t65534/m)
  })
})

describe('metadata', () => {
  it("is reached in the network's own namespace, without any rule", async () => {
    await change('web', { rules: [] })
    const { namespace } = driver.metadataNamespaces().find((item) => item.networkId === 'red') ?? {
      namespace: '',
    }
    const server = new Guest(namespace)
    await server.ready()
    await server.do('listen', { port: 80, address: '169.254.169.254' })
    inNamespace(guests.web.namespace, 'ip', 'route', 'replace', '169.254.169.254/32', 'via', '10.0.0.2')
    expect(await guests.web.connect('169.254.169.254', 80)).toBe('10.0.0.11')
    expect(await guests.web.connect('10.0.0.2', 80)).toBeNull()
    await server.end()
    await change('web', {})
    expect(driver.findPort('red', '10.0.0.12')).toEqual({
      portId: 'peer',
      instanceId: 'instance-peer',
      projectId: 'project',
    })
    expect(driver.findPort('blue', '10.0.0.12')?.portId).toBe('twin')
    expect(driver.findPort('green', '10.0.0.12')).toBeNull()
  })
})

describe('security rules', () => {
  it('drop what is not allowed, pass what is and its answers, live', async () => {
    expect(await guests.peer.connect(address('web'))).toBeNull()
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await guests.peer.connect(address('web'))).toBe('10.0.0.12')
    expect(await guests.peer.connect(address('web'), 23)).toBeNull()
    expect(await guests.peer.ping(address('web'))).toBe(false)
    // The other way round nothing was opened.
    expect(await guests.web.connect(address('peer'))).toBeNull()
  })

  it('cut an established flow when its rule goes, and only that one', async () => {
    const two = [egressAll, tcpFrom(22), { ...tcpFrom(53), protocol: 17 }]
    await change('web', { rules: two })
    await change('peer', { rules: [egressAll, tcpFrom(22)] })
    expect(await guests.peer.connect(address('web'), 22, 'doomed')).toBe('10.0.0.12')
    expect(await guests.web.connect(address('peer'), 22, 'kept')).toBe('10.0.0.11')
    expect(await guests.peer.talk('one', 'doomed')).toBe('one')
    await change('web', { rules: [egressAll] })
    expect(await guests.peer.talk('two', 'doomed')).toBeNull()
    expect(await guests.web.talk('three', 'kept')).toBe('three')
    await change('web', { rules: two })
    expect(await guests.peer.connect(address('web'))).toBe('10.0.0.12')
    expect(await guests.peer.do('udp', { address: address('web'), port: 53 })).toBe(true)
    await change('peer', {})
    await change('web', {})
  })

  it('cut a flow that the guest began when egress is taken away', async () => {
    await change('peer', { rules: [tcpFrom(22)] })
    expect(await guests.web.connect(address('peer'), 22, 'out')).toBe('10.0.0.11')
    await change('web', { rules: [] })
    expect(await guests.web.talk('x', 'out')).toBeNull()
    expect(await guests.web.connect(address('peer'))).toBeNull()
    await change('web', {})
    await change('peer', {})
  })

  it('follow the members of an address set', async () => {
    const group = { addressSet: 'friends' }
    await change('web', { rules: [egressAll, tcpFrom(22, group)] })
    expect(await guests.peer.connect(address('web'))).toBeNull()
    await driver.ensureAddressSet(op(), { id: 'friends', addresses: ['10.0.0.12', 'fe80::1'] })
    expect(await guests.peer.connect(address('web'), 22, 'member')).toBe('10.0.0.12')
    expect(await guests.spy.connect(address('web'))).toBeNull()
    await driver.ensureAddressSet(op(), { id: 'friends', addresses: ['10.0.0.13'] })
    expect(await guests.peer.talk('still there?', 'member')).toBeNull()
    expect(await guests.spy.connect(address('web'))).toBe('10.0.0.13')
    await expect(driver.removeAddressSet(op(), 'friends')).rejects.toMatchObject({ code: 'conflict' })
    await change('web', {})
    await driver.removeAddressSet(op(), 'friends')
    expect((await driver.list(op())).addressSets).toEqual([])
  })

  it('see through fragments', async () => {
    await change('web', { rules: [egressAll, { ...tcpFrom(53), protocol: 17 }] })
    expect(await guests.peer.do('udp', { address: address('web'), port: 53, size: 4000 })).toBe(true)
    expect(await guests.peer.do('udp', { address: address('web'), port: 54, size: 4000 })).toBe(false)
    await change('web', {})
  })

  it.each<[string, PortSpec['rules'][number], boolean]>([
    ['icmp', { ...egressAll, direction: 'ingress', protocol: 1 }, true],
    ['icmp echo request', { ...egressAll, direction: 'ingress', protocol: 1, portMin: 8, portMax: 0 }, true],
    [
      'icmp echo reply only',
      { ...egressAll, direction: 'ingress', protocol: 1, portMin: 0, portMax: null },
      false,
    ],
    ['anything', { ...egressAll, direction: 'ingress' }, true],
    ['0.0.0.0/0', { ...egressAll, direction: 'ingress', remote: { cidr: '0.0.0.0/0' } }, true],
    ['a CIDR with host bits', { ...egressAll, direction: 'ingress', remote: { cidr: '10.0.0.77/24' } }, true],
    ['another CIDR', { ...egressAll, direction: 'ingress', remote: { cidr: '10.0.1.0/24' } }, false],
    ['IPv6 only', { ...egressAll, direction: 'ingress', ethertype: 'IPv6', remote: { cidr: '::/0' } }, false],
    ['icmpv6 by number', { ...egressAll, direction: 'ingress', protocol: 58, portMin: 128 }, false],
    ['vrrp', { ...egressAll, direction: 'ingress', protocol: 112 }, false],
  ])('answer a ping by rule: %s', async (_name, rule, passes) => {
    await change('web', { rules: [egressAll, rule] })
    expect(await guests.peer.do('ping', { address: address('web'), timeout: passes ? 1.5 : 0.4 })).toBe(
      passes,
    )
    await change('web', {})
  })

  it('are off without port security', async () => {
    await change('web', { portSecurity: false, rules: [] })
    expect(await guests.peer.connect(address('web'), 22, 'open')).toBe('10.0.0.12')
    await change('web', { rules: [egressAll] })
    expect(await guests.peer.talk('closed again', 'open')).toBeNull()
  })

  it('take a hundred and fifty rules', async () => {
    const many = Array.from({ length: 150 }, (_, i) => tcpFrom(1000 + i, { cidr: `10.0.${i}.0/24` }))
    await change('web', { rules: [egressAll, ...many, tcpFrom(22)] })
    expect(await guests.peer.connect(address('web'))).toBe('10.0.0.12')
    await change('web', {})
  })
})

describe('a lying guest', () => {
  const victim = ports.peer.mac
  const own = ports.spy.mac
  const packet = (source: string, target = address('peer')) => ipv4(source, target, 17, udp(5000, 5000))
  const frames: [string, string][] = [
    ["another's MAC", ethernet(victim, ports.web.mac, 0x0800, packet('10.0.0.13'))],
    ["another's address", ethernet(victim, own, 0x0800, packet('10.0.0.11'))],
    ['no address', ethernet(victim, own, 0x0800, packet('0.0.0.0'))],
    ['the metadata address', ethernet(victim, own, 0x0800, packet('169.254.169.254'))],
    ['an ARP answer for a neighbour', ethernet(victim, own, 0x0806, arp(2, own, '10.0.0.11', '10.0.0.12'))],
    [
      "an ARP request in another's name",
      ethernet(broadcast, own, 0x0806, arp(1, own, '10.0.0.1', '10.0.0.12')),
    ],
    [
      "ARP with another's MAC inside",
      ethernet(broadcast, own, 0x0806, arp(2, ports.web.mac, '10.0.0.13', '10.0.0.12')),
    ],
    ['a DHCP offer', ethernet(victim, own, 0x0800, ipv4('10.0.0.13', address('peer'), 17, udp(67, 68)))],
    [
      'a DHCP offer to all',
      ethernet(broadcast, own, 0x0800, ipv4('10.0.0.13', '255.255.255.255', 17, udp(67, 68))),
    ],
    ['a VLAN tag', ethernet(victim, own, 0x8100, `00050800${packet('10.0.0.13')}`)],
    ['two VLAN tags', ethernet(victim, own, 0x88a8, `000581000006${'0800'}${packet('10.0.0.13')}`)],
    [
      'a router advertisement',
      ethernet(
        '33:33:00:00:00:01',
        own,
        0x86dd,
        `6000000000083aff${'fe80'.padEnd(32, '0')}${'ff02'.padEnd(31, '0')}18600000000000000`,
      ),
    ],
    ['an unknown ethertype', ethernet(victim, own, 0x1234, '00')],
    ['LLDP', ethernet('01:80:c2:00:00:0e', own, 0x88cc, '00')],
    ['a multicast of its own MAC', ethernet(broadcast, own, 0x9000, '00')],
  ]

  beforeAll(async () => {
    await change('peer', { rules: [egressAll, { ...egressAll, direction: 'ingress' }] })
    await change('spy', { rules: [egressAll] })
  })
  afterAll(async () => {
    await change('peer', {})
    await change('spy', {})
  })

  it('is heard as long as it tells the truth (or these tests prove nothing)', async () => {
    const honest = [
      ethernet(victim, own, 0x0800, packet('10.0.0.13')),
      ethernet(broadcast, own, 0x0806, arp(1, own, '10.0.0.13', '10.0.0.12')),
    ]
    const seen = await seenBy('peer', async () => {
      for (const frame of honest) await guests.spy.do('raw', { frame })
    })
    for (const frame of honest)
      expect(seen.some((f) => frame.startsWith(f) || f.startsWith(frame.slice(0, 100)))).toBe(true)
  })

  it.each(frames)('is not heard with %s', async (_name, frame) => {
    const seen = await seenBy('peer', () => guests.spy.do('raw', { frame }))
    expect(
      seen.filter((f) => f.slice(12, 24) === frame.slice(12, 24) || f.includes(frame.slice(28, 80))),
    ).toEqual([])
  })

  it('does not hear what is for others', async () => {
    // The bridge has to flood a MAC that it has not learned: make it forget.
    await change('web', { rules: [egressAll, { ...egressAll, direction: 'ingress' }] })
    inNamespace(
      guests.peer.namespace,
      'ip',
      'neigh',
      'replace',
      '10.0.0.11',
      'lladdr',
      ports.web.mac,
      'dev',
      'eth0',
    )
    ip('-n', plane, 'link', 'set', `br${cloud}1`, 'type', 'bridge', 'ageing_time', '0')
    const seen = await seenBy('spy', () => guests.peer.connect(address('web')))
    ip('-n', plane, 'link', 'set', `br${cloud}1`, 'type', 'bridge', 'ageing_time', '30000')
    expect(seen.filter((frame) => frame.startsWith(hex(ports.web.mac)))).toEqual([])
    await change('web', {})
  })

  it('does not reach the host over the bridge', async () => {
    const bridge = JSON.parse(ip('-n', plane, '-j', 'link', 'show', `br${cloud}1`)) as { address: string }[]
    await host.do('udp_echo', { port: 5000 })
    const frame = ethernet(bridge[0]?.address ?? '', own, 0x0800, packet('10.0.0.13', '172.24.4.1'))
    const before = inNamespace(plane, 'nstat', '-az', 'IpInReceives').match(/IpInReceives\s+(\d+)/)?.[1]
    await guests.spy.do('raw', { frame })
    await sleep(100)
    const seen = await seenBy('spy', () => guests.spy.do('raw', { frame }))
    expect(before).toBeDefined()
    expect(seen.filter((f) => f.includes(hex(bridge[0]?.address ?? '')))).toEqual([])
  })

  it('cannot mix its fragments into a neighbour network of the same addresses', async () => {
    await change('twin', { rules: [egressAll, { ...egressAll, direction: 'ingress' }] })
    // First half of a datagram in one network, second half in the other: neither may come together.
    const body = udp(5000, 5000, '41'.repeat(64))
    const first = ipv4('10.0.0.13', '10.0.0.12', 17, body.slice(0, 96), { id: 99, fragment: 0x2000 })
    const rest = ipv4('10.0.0.13', '10.0.0.12', 17, body.slice(96), { id: 99, fragment: 6 })
    const whole = await seenBy('peer', async () => {
      await guests.spy.do('raw', { frame: ethernet(victim, own, 0x0800, first) })
      await guests.spy.do('raw', { frame: ethernet(victim, own, 0x0800, rest) })
    })
    expect(whole.length).toBeGreaterThan(0)
    const other = networkSpec('blue', 2)
    const liar = { ...portSpec('liar', 13 + 250, other), mac: own }
    const { tap } = await driver.ensurePort(op(), liar)
    ip('netns', 'add', `nt${cloud}-liar`)
    const guest = new Guest(`nt${cloud}-liar`, { dataPlane: plane, tap, mac: own })
    await guest.ready()
    const mixed = await seenBy('peer', async () => {
      await guests.spy.do('raw', { frame: ethernet(victim, own, 0x0800, first.replace('0063', '0064')) })
      await guest.do('raw', { frame: ethernet(victim, own, 0x0800, rest.replace('0063', '0064')) })
    })
    expect(mixed.filter((f) => f.includes('41'.repeat(8)))).toEqual([])
    await guest.end()
    ip('netns', 'delete', `nt${cloud}-liar`)
    await driver.removePort(op(), 'liar')
    await change('twin', {})
  })
})

describe('networks', () => {
  it('with the same addresses do not meet', async () => {
    const open = { rules: [egressAll, tcpFrom(22)] }
    await change('peer', open)
    await change('twin', open)
    expect(await guests.web.connect(address('peer'))).toBe('10.0.0.11')
    expect(await guests.twin.connect(address('web'))).toBeNull()
    const seen = await seenBy('twin', () => guests.spy.connect(address('peer')))
    expect(seen).toEqual([])
    await change('peer', {})
    await change('twin', {})
  })
})

describe('a router', () => {
  it('joins its networks and hides them behind its address', async () => {
    await change('far', { rules: [egressAll, tcpFrom(22)] })
    expect(await guests.web.connect(address('far'))).toBe('10.0.0.11')
    await change('far', {})
    await host.do('listen', { port: 8022, address: '172.24.4.1' })
    // Nothing of the data plane answers a guest, so the listener stands beside it on the external network.
    ip('netns', 'add', `nt${cloud}-out`)
    ip('-n', plane, 'link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `nt${cloud}-out`)
    const nft = `add element bridge stratolith in_port { "out0" : accept }; add element bridge stratolith out_port { "out0" : accept }`
    inNamespace(plane, 'nft', nft)
    ip('-n', plane, 'link', 'set', 'out0', 'master', `br${cloud}4`, 'up')
    ip('-n', `nt${cloud}-out`, 'address', 'add', '172.24.4.200/24', 'dev', 'eth0')
    ip('-n', `nt${cloud}-out`, 'link', 'set', 'eth0', 'up')
    const outside = new Guest(`nt${cloud}-out`)
    await outside.ready()
    await outside.do('listen', { port: 22 })
    expect(await guests.web.connect('172.24.4.200')).toBe('172.24.4.10')
    expect(await guests.far.connect('172.24.4.200')).toBe('172.24.4.10')
    // A guest's floating IP is its address outside.
    const floatingIps = [{ id: 'f', address: '172.24.4.20', fixedAddress: address('web') }]
    await driver.ensureRouter(op(), { ...router, floatingIps })
    expect(await guests.web.connect('172.24.4.200')).toBe('172.24.4.20')
    expect(await guests.far.connect('172.24.4.200')).toBe('172.24.4.10')
    // Nobody outside reaches in by the fixed address.
    ip('-n', `nt${cloud}-out`, 'route', 'add', '10.0.0.0/24', 'via', '172.24.4.10')
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await outside.connect('10.0.0.11')).toBeNull()
    expect(await outside.connect('172.24.4.20')).toBe('172.24.4.200')
    await outside.end()
    ip('netns', 'delete', `nt${cloud}-out`)
    await driver.ensureRouter(op(), router)
    await change('web', {})
  })

  it('leads a floating IP to its guest from the host, within its rules, until it goes', async () => {
    const floatingIps = [{ id: 'f', address: '172.24.4.21', fixedAddress: address('web') }]
    await driver.ensureRouter(op(), { ...router, floatingIps })
    expect(await host.connect('172.24.4.21')).toBeNull()
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await host.connect('172.24.4.21', 22, 'fip')).toBe('172.24.4.1')
    expect(driver.portsOf('instance-web')).toMatchObject([
      { port: { id: 'web' }, network: { id: 'red' }, floatingIps: [{ address: '172.24.4.21' }] },
    ])
    // Hairpin: a neighbour uses the floating IP too.
    expect(await guests.peer.connect('172.24.4.21')).toBe('10.0.0.1')
    expect(await host.talk('x', 'fip')).toBe('x')
    await driver.ensureRouter(op(), router)
    expect(await host.talk('y', 'fip')).toBeNull()
    expect(await host.connect('172.24.4.21')).toBeNull()
    await change('web', {})
  })

  it('announces a floating IP that has moved', async () => {
    const mine = { id: 'f', address: '172.24.4.22', fixedAddress: address('web') }
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    await driver.ensureRouter(op(), { ...router, floatingIps: [mine] })
    expect(await host.connect('172.24.4.22')).toBe('172.24.4.1')
    const macOf = () => ip('-n', plane, 'neigh', 'show', '172.24.4.22').match(/lladdr (\S+)/)?.[1]
    const before = macOf()
    await driver.ensureRouter(op(), router)
    const other: RouterSpec = {
      ...router,
      id: 'second',
      tag: 2,
      external: { networkId: 'floor', address: '172.24.4.11', prefix: 24, gatewayIp: '172.24.4.1' },
      interfaces: [],
      floatingIps: [mine],
    }
    await driver.ensureRouter(op(), other)
    expect(macOf()).not.toBe(before)
    expect(macOf()).toBeDefined()
    await driver.removeRouter(op(), 'second')
    await change('web', {})
  })

  it('is silent when it is down', async () => {
    expect(await guests.web.ping('10.0.0.1')).toBe(true)
    await driver.ensureRouter(op(), { ...router, adminUp: false })
    expect(await guests.web.ping('10.0.0.1')).toBe(false)
    await driver.ensureRouter(op(), router)
    expect(await guests.web.ping('172.24.4.1')).toBe(true)
  })
})

describe('one poisoned wish', () => {
  it.each<[string, Partial<PortSpec>]>([
    ['a host name with a newline', { hostname: 'x\ndhcp-script=/bin/sh' }],
    ['a rule for 10.0.0.0/33', { rules: [tcpFrom(22, { cidr: '10.0.0.0/33' })] }],
    ['a rule with words of nft', { rules: [tcpFrom(22, { cidr: '0.0.0.0/0 accept; flush ruleset' })] }],
    ['a MAC with words of ip', { mac: 'fa:16:3e:00:00:1e; link del' }],
    ['ports the wrong way round', { rules: [{ ...tcpFrom(22), portMin: 30 }] }],
    ['an address of another subnet', { addresses: [{ subnetId: 'red-s', ip: '10.9.0.1', prefix: 24 }] }],
  ])('%s fails alone', async (_name, more) => {
    const poisoned = { ...portSpec('poisoned', 30, red), ...more }
    const fine = portSpec('fine', 31, red)
    const [bad, good] = await Promise.allSettled([
      driver.ensurePort(op(), poisoned),
      driver.ensurePort(op(), fine),
    ])
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'invalid' } })
    expect(good).toMatchObject({ status: 'fulfilled', value: { state: 'active' } })
    expect((await driver.list(op())).ports.map((port) => port.id)).not.toContain('poisoned')
    await driver.removePort(op(), 'fine')
  })

  it('and a record that somebody spoiled is reported, the rest is restored', async () => {
    const { writeFileSync, rmSync } = await import('node:fs')
    writeFileSync(`${dir}/ports/spoiled.json`, '{"slot":900,"spec":{"id":"spoiled","mac":"x"}}')
    const second = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off' })
    const report = await second.restore(op())
    expect(report.failed).toMatchObject([{ kind: 'port', id: 'spoiled' }])
    expect(report.restored).toBe(4 + 1 + 5)
    rmSync(`${dir}/ports/spoiled.json`)
  })
})

describe('restore', () => {
  it.each<[string, () => unknown]>([
    ['nothing at all', () => undefined],
    ['both nft tables', () => inNamespace(plane, 'nft', 'flush', 'ruleset')],
    [
      'a rule of a port',
      () => inNamespace(plane, 'nft', 'flush', 'chain', 'inet', 'stratolith', 'ingress_11'),
    ],
    [
      'a rule that was slipped in',
      () => inNamespace(plane, 'nft', 'insert', 'rule', 'inet', 'stratolith', 'ingress_11', 'accept'),
    ],
    ['a bridge', () => ip('-n', plane, 'link', 'delete', `br${cloud}1`)],
    ['the router', () => ip('netns', 'delete', `${plane}.router.router`)],
    ['the DHCP namespace', () => ip('netns', 'delete', `${plane}.dhcp.red`)],
  ])('puts back %s', async (_name, damage) => {
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await guests.peer.connect(address('web'), 22, 'held')).toBe('10.0.0.12')
    damage()
    expect((await driver.restore(op())).failed).toEqual([])
    expect(await guests.peer.connect(address('web'))).toBe('10.0.0.12')
    expect(await guests.peer.connect(address('web'), 23)).toBeNull()
    expect(await guests.web.ping('172.24.4.1')).toBe(true)
    expect(await guests.web.do('dhcp')).toMatchObject({ address: '10.0.0.11' })
    expect(await guests.peer.talk('the flow goes on', 'held')).toBe('the flow goes on')
    expect((await driver.list(op())).ports.every((port) => port.state === 'active')).toBe(true)
    await change('web', {})
  })
})

describe('the end', () => {
  it('leaves nothing of what is removed, twice over', async () => {
    for (let round = 0; round < 2; round += 1) {
      for (const id of Object.keys(ports)) await driver.removePort(op(), id)
      await driver.removeRouter(op(), 'router')
      for (const id of ['red', 'blue', 'green', 'floor']) await driver.removeNetwork(op(), id)
    }
    expect(await driver.list(op())).toEqual({ networks: [], ports: [], routers: [], addressSets: [] })
    expect(
      ip('netns', 'list')
        .split('\n')
        .filter((line) => line.startsWith(plane)),
    ).toEqual([plane])
    const links = JSON.parse(ip('-n', plane, '-j', 'link', 'show')) as { ifname: string }[]
    expect(links.map((link) => link.ifname)).toEqual(['lo'])
    for (const folderName of ['networks', 'ports', 'routers', 'sets', 'dhcp'])
      expect(readdirSync(`${dir}/${folderName}`), folderName).toEqual([])
    const rules = inNamespace(plane, 'nft', 'list', 'ruleset')
    expect(rules).not.toMatch(/elements|_11|zone_/)
  })
})
