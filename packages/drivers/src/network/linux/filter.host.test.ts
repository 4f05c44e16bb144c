import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wishDigest } from '../digest.ts'
import type { PortSpec } from '../interface.ts'
import { arp, broadcast, ethernet, hex, ipv4, udp } from '../testing/frames.ts'
import { egressAll, Guest, inNamespace, ip, networkSpec, op, portSpec, tcpFrom } from '../testing/lab.ts'
import {
  address,
  change,
  cloud,
  dir,
  driver,
  guests,
  host,
  pidOf,
  plane,
  ports,
  seenBy,
  setUp,
  tearDown,
} from './linux.testing.ts'
import { createLinuxNetwork } from './linux.ts'

beforeAll(() => setUp({ wholeBytes: 0 }))
afterAll(tearDown)

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

  it('serves a guest whose host name is a keyword of dnsmasq (A11)', async () => {
    const served = pidOf()
    for (const hostname of ['ignore', 'infinite', '60', '2w', 'set', 'web']) {
      await change('peer', { hostname })
      // dnsmasq reads its files a moment after the signal.
      await expect
        .poll(() => guests.peer.do('dhcp', { timeout: 1 }), { timeout: 60_000, message: hostname })
        .toMatchObject({ address: '10.0.0.12', '12': Buffer.from(hostname).toString('hex') })
    }
    expect(await guests.web.do('dhcp')).toMatchObject({
      address: '10.0.0.11',
      '12': Buffer.from('web').toString('hex'),
    })
    await change('peer', {})
    // The same process still serves: a change that killed dnsmasq would leave the network without DHCP for a while.
    expect(pidOf()).toBe(served)
  })

  it('gives a guest nothing that asks with the MAC of another guest', async () => {
    expect(await guests.spy.do('dhcp', { chaddr: ports.web.mac, timeout: 1 })).toBeNull()
  })

  it('is started again when dnsmasq dies, and found again by a new driver', async () => {
    const first = pidOf()
    const second = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off' })
    expect(await second.restore(op())).toMatchObject({ failed: [] })
    expect(pidOf()).toBe(first)
    process.kill(first, 'SIGKILL')
    await expect.poll(pidOf, { timeout: 60_000 }).not.toBe(first)
    await expect
      .poll(() => guests.web.do('dhcp', { timeout: 1 }), { timeout: 60_000 })
      .toMatchObject({ address: '10.0.0.11' })
  })

  it('runs without root rights', () => {
    const status = readFileSync(`/proc/${readFileSync(`${dir}/dhcp/red.pid`, 'utf8').trim()}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t65534\t65534/m)
  })
})

describe('metadata', () => {
  it("is reached in the network's own namespace, also by a guest without any rule", async () => {
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
  it('pass what is allowed and its answers, drop everything else, and take effect at once', async () => {
    expect(await guests.peer.connect(address('web'))).toBeNull()
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await guests.peer.connect(address('web'))).toBe('10.0.0.12')
    expect(await guests.peer.connect(address('web'), 23)).toBeNull()
    expect(await guests.peer.ping(address('web'))).toBe(false)
    // In the other direction nothing is allowed.
    expect(await guests.web.connect(address('peer'))).toBeNull()
  })

  it('end an established flow when its rule goes, and no other flow', async () => {
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

  it('end a flow that the guest began when its egress rules go', async () => {
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

  it('hold for fragmented packets', async () => {
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
  ])('decide about a ping by the rule: %s', async (_name, rule, passes) => {
    await change('web', { rules: [egressAll, rule] })
    expect(await guests.peer.do('ping', { address: address('web'), timeout: passes ? 1.5 : 0.4 })).toBe(
      passes,
    )
    await change('web', {})
  })

  it('do not apply to a port without port security', async () => {
    await change('web', { portSecurity: false, rules: [] })
    expect(await guests.peer.connect(address('web'), 22, 'open')).toBe('10.0.0.12')
    await change('web', { rules: [egressAll] })
    expect(await guests.peer.talk('closed again', 'open')).toBeNull()
  })

  it('appear in list as the digest of the wish', async () => {
    const rules = [egressAll, tcpFrom(22)]
    await change('web', { rules })
    const { digests } = await driver.list(op())
    expect(digests.web).toBe(wishDigest.port({ ...ports.web, rules }))
    expect(digests.web).not.toBe(wishDigest.port(ports.web))
    expect(digests.peer).toBe(wishDigest.port(ports.peer))
    expect(digests.red).toBe(wishDigest.network(networkSpec('red', 1)))
    await change('web', {})
  })

  it('can be a hundred and fifty for one port', async () => {
    const many = Array.from({ length: 150 }, (_, i) => tcpFrom(1000 + i, { cidr: `10.0.${i}.0/24` }))
    await change('web', { rules: [egressAll, ...many, tcpFrom(22)] })
    expect(await guests.peer.connect(address('web'))).toBe('10.0.0.12')
    await change('web', {})
  })
})

describe('a guest that forges packets', () => {
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

  it('is heard when it sends true packets (otherwise the other tests prove nothing)', async () => {
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

  it('does not receive frames for other guests', async () => {
    // The bridge floods frames for a MAC that it has not learned, so the test makes it forget the MAC.
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

  it('cannot mix its fragments into another network that has the same addresses', async () => {
    await change('twin', { rules: [egressAll, { ...egressAll, direction: 'ingress' }] })
    // Each network gets one half of a datagram: the halves must not be put together.
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
