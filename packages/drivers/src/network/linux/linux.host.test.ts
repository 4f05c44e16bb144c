import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PortSpec, RouterSpec } from '../interface.ts'
import { egressAll, Guest, inNamespace, ip, op, portSpec, tcpFrom } from '../testing/lab.ts'
import {
  address,
  change,
  cloud,
  dir,
  driver,
  guests,
  host,
  plane,
  ports,
  red,
  router,
  seenBy,
  setUp,
  tearDown,
} from './linux.testing.ts'
import { createLinuxNetwork } from './linux.ts'

beforeAll(() => setUp())
afterAll(tearDown)

describe('networks', () => {
  it('that have the same addresses are separate', async () => {
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
    // The data plane itself answers no guest, so the listener is a namespace of its own on the external network.
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
    // Outside a guest appears with its floating IP.
    const floatingIps = [{ id: 'f', address: '172.24.4.20', fixedAddress: address('web') }]
    await driver.ensureRouter(op(), { ...router, floatingIps })
    expect(await guests.web.connect('172.24.4.200')).toBe('172.24.4.20')
    expect(await guests.far.connect('172.24.4.200')).toBe('172.24.4.10')
    // Nobody outside reaches the guest by its fixed address.
    ip('-n', `nt${cloud}-out`, 'route', 'add', '10.0.0.0/24', 'via', '172.24.4.10')
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await outside.connect('10.0.0.11')).toBeNull()
    expect(await outside.connect('172.24.4.20')).toBe('172.24.4.200')
    await outside.end()
    ip('netns', 'delete', `nt${cloud}-out`)
    await driver.ensureRouter(op(), router)
    await change('web', {})
  })

  it('leads a floating IP from the host to its guest, subject to the rules of the port, until the floating IP goes', async () => {
    const floatingIps = [{ id: 'f', address: '172.24.4.21', fixedAddress: address('web') }]
    await driver.ensureRouter(op(), { ...router, floatingIps })
    expect(await host.connect('172.24.4.21')).toBeNull()
    await change('web', { rules: [egressAll, tcpFrom(22)] })
    expect(await host.connect('172.24.4.21', 22, 'fip')).toBe('172.24.4.1')
    expect(driver.portsOf('instance-web')).toMatchObject([
      { port: { id: 'web' }, network: { id: 'red' }, floatingIps: [{ address: '172.24.4.21' }] },
    ])
    // Hairpin: a neighbour of the guest uses the floating IP, too.
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

  it('answers nothing while it is administratively down', async () => {
    expect(await guests.web.ping('10.0.0.1')).toBe(true)
    await driver.ensureRouter(op(), { ...router, adminUp: false })
    expect(await guests.web.ping('10.0.0.1')).toBe(false)
    await driver.ensureRouter(op(), router)
    expect(await guests.web.ping('172.24.4.1')).toBe(true)
  })

  it.each([
    ['deletes', ['delete', 'default']],
    ['changes', ['replace', 'default', 'via', '172.24.4.77', 'dev', 'gw0', 'onlink']],
  ])('gets its default route back when somebody %s it', async (_what, words) => {
    ip('-n', `${plane}.router.router`, 'route', ...words)
    await driver.ensureRouter(op(), router)
    const routes = ip('-n', `${plane}.router.router`, 'route', 'show', 'default')
    expect(routes.trim()).toBe('default via 172.24.4.1 dev gw0 onlink')
  })
})

describe('an invalid wish or record', () => {
  it.each<[string, Partial<PortSpec>]>([
    ['a host name with a newline', { hostname: 'x\ndhcp-script=/bin/sh' }],
    ['a rule for 10.0.0.0/33', { rules: [tcpFrom(22, { cidr: '10.0.0.0/33' })] }],
    ['a rule with words of nft', { rules: [tcpFrom(22, { cidr: '0.0.0.0/0 accept; flush ruleset' })] }],
    ['a MAC with words of ip', { mac: 'fa:16:3e:00:00:1e; link del' }],
    ['ports the wrong way round', { rules: [{ ...tcpFrom(22), portMin: 30 }] }],
    ['an address of another subnet', { addresses: [{ subnetId: 'red-s', ip: '10.9.0.1', prefix: 24 }] }],
  ])('with %s fails alone', async (_name, more) => {
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

  it('that was damaged on disk is reported, and all other records are restored', async () => {
    const { writeFileSync, rmSync } = await import('node:fs')
    writeFileSync(`${dir}/ports/spoiled.json`, '{"slot":900,"spec":{"id":"spoiled","mac":"x"}}')
    const second = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off' })
    const report = await second.restore(op())
    expect(report.failed).toMatchObject([{ kind: 'port', id: 'spoiled' }])
    expect(report.restored).toBe(4 + 1 + 5)
    rmSync(`${dir}/ports/spoiled.json`)
  })
})

describe('the snapshot of the kernel', () => {
  it('is used for a moment, and not after a change of our own', async () => {
    const second = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off', snapshotMs: 60_000 })
    const up = () => ip('-n', plane, '-j', 'link', 'show', `br${cloud}1`).includes('"UP"')
    await second.ensureNetwork(op(), red)
    ip('-n', plane, 'link', 'set', `br${cloud}1`, 'down')
    await second.ensureNetwork(op(), red)
    expect(up()).toBe(false)
    const fine = portSpec('fresh', 32, red)
    await second.ensurePort(op(), fine)
    await second.ensureNetwork(op(), red)
    expect(up()).toBe(true)
    await second.removePort(op(), 'fresh')
  })

  it('is used after a change of rules alone, because the echo of the kernel updates it', async () => {
    const second = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off', snapshotMs: 60_000 })
    const bridge = `br${cloud}1`
    const up = () => ip('-n', plane, '-j', 'link', 'show', bridge).includes('"UP"')
    const hasBase = () => inNamespace(plane, 'nft', 'list', 'tables').includes('bridge stratolith')
    await second.ensureNetwork(op(), red)
    ip('-n', plane, 'link', 'set', bridge, 'down')
    const members = (address: string) => second.ensureAddressSet(op(), { id: 'seen', addresses: [address] })
    await members('10.0.0.201')
    await second.ensureNetwork(op(), red)
    expect(up(), 'the links of before').toBe(false)
    inNamespace(plane, 'nft', 'delete', 'table', 'bridge', 'stratolith')
    await second.ensureNetwork(op(), red)
    expect(hasBase(), 'the rules of before').toBe(false)
    const third = createLinuxNetwork({ cloud, host: 'h1', dir, egress: 'off', snapshotMs: 0 })
    await third.removeAddressSet(op(), 'seen')
    expect(hasBase(), 'the rules of now').toBe(true)
    ip('-n', plane, 'link', 'set', bridge, 'up')
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
  it('leaves nothing of removed resources, also when each is removed twice', async () => {
    for (let round = 0; round < 2; round += 1) {
      for (const id of Object.keys(ports)) await driver.removePort(op(), id)
      await driver.removeRouter(op(), 'router')
      for (const id of ['red', 'blue', 'green', 'floor']) await driver.removeNetwork(op(), id)
    }
    expect(await driver.list(op())).toEqual({
      networks: [],
      ports: [],
      routers: [],
      addressSets: [],
      digests: {},
    })
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
