import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ethernet } from '../testing/frames.ts'
import { externalSpec, Guest, inNamespace, ip, op, temporaryFolder } from '../testing/lab.ts'
import {
  cloud,
  destroy,
  driver,
  forwarding,
  inMachine,
  lie,
  machineNamespace,
  nameServer,
  plane,
  reached,
  restore,
  setUp,
  start,
  tearDown,
  who,
  worldAddress,
} from './guard.testing.ts'
import { createLinuxNetwork } from './linux.ts'
import { machineTable, uplinkName } from './names.ts'
import { removeAllNetworks } from './remove-all.ts'

beforeAll(setUp)
afterAll(tearDown)

const uplink = uplinkName({ cloud, host: 'h1' })
const table = `inet ${machineTable({ cloud, host: 'h1' })}`
const lan = '10.77.0.5'
/** Addresses of the machine itself, on its interfaces, on its loopback and on our uplink. */
const machine = ['10.66.0.2', '10.77.0.2', '10.99.0.2', '203.0.113.9', '169.254.240.1']
const denied = [...machine, lan, '10.66.0.5', '169.254.1.1', '169.254.240.2']
/** The period of the guard, in ms, in tests that wait for it. */
const guardMs = 300
const wait = { timeout: 60_000, interval: 50 }
const marked = () => existsSync(`/run/stratolith/forwarding/${machineNamespace}`)
/** Removes the layers that keep guests from the machine, one function for each layer; the masquerade rule stays. */
const open = {
  machine() {
    for (const chain of ['prerouting', 'input', 'forward']) inMachine('nft', `flush chain ${table} ${chain}`)
  },
  plane: () => inNamespace(plane, 'nft', 'flush chain inet stratolith leaving'),
  router: () => inNamespace(`${plane}.router.router`, 'nft', 'insert rule ip stratolith forward accept'),
}

describe('with egress', () => {
  it('guests reach the world, and the machine and its networks reach guests', async () => {
    for (const guest of ['web', 'loose'] as const)
      await expect.poll(() => who[guest].connect(worldAddress), { ...wait, message: guest }).toBe('10.66.0.2')
    await expect
      .poll(() => who.loose.connect('172.24.4.20', 22), { ...wait, message: 'a floating IP, by the router' })
      .toBe('10.0.0.1')
    await expect.poll(() => who.machine.connect('172.24.4.20', 22, 'long'), wait).toBe('172.24.4.1')
    await expect.poll(() => who.lan.connect('172.24.4.20'), wait).toBe(lan)
    expect(await who.machine.talk('still', 'long')).toBe('still')
    expect(await who.web.ping('172.24.4.1'), 'the gateway').toBe(true)
  })

  it.each(['web', 'loose'] as const)(
    'the guest %s reaches neither the machine nor its networks',
    async (guest) => {
      expect(await reached(guest, denied)).toEqual([])
    },
  )

  it('guests reach the machine and its networks once each layer of rules is removed (otherwise the other tests prove nothing)', async () => {
    open.machine()
    expect(await reached('web', denied), 'the data plane alone').toEqual([])
    open.plane()
    const beside = ['10.66.0.2', '10.77.0.2', '203.0.113.9', lan, '10.66.0.5']
    await expect.poll(() => reached('web', [...beside, '169.254.1.1']), wait).toEqual(beside)
    open.router()
    await expect
      .poll(() => reached('web', ['169.254.1.1', '169.254.240.1']), wait)
      .toEqual(['169.254.1.1', '169.254.240.1'])
    await restore()
    open.plane()
    expect(await reached('web', denied), 'the machine alone').toEqual([])
    await restore()
    expect(await reached('web', denied)).toEqual([])
  })

  it('guests reach a name server in a denied network on port 53, and nothing else there', async () => {
    await expect.poll(() => who.web.connect(nameServer, 53), wait).toBe('10.77.0.2')
    await expect.poll(() => who.web.do('udp', { address: nameServer, port: 53 }), wait).toBe(true)
    expect(await who.web.connect(nameServer, 22)).toBeNull()
    expect(await who.web.ping(nameServer)).toBe(false)
    expect(await who.web.connect(lan, 53)).toBeNull()
    await start({ nameServers: ['203.0.113.9'] })
    await expect
      .poll(() => who.web.connect('203.0.113.9', 53), { ...wait, message: 'the machine itself' })
      .toBe('172.24.4.20')
    expect(await who.web.connect('203.0.113.9', 22)).toBeNull()
    expect(await who.web.connect(nameServer, 53)).toBeNull()
    await start()
  })

  it('packets with a forged source address reach nobody', async () => {
    const sources = [
      '172.24.4.77',
      '172.24.4.1',
      '169.254.240.1',
      '169.254.240.2',
      lan,
      '127.0.0.1',
      '8.8.8.8',
    ]
    for (const target of [worldAddress, '10.66.0.2', '203.0.113.9', lan, '127.0.0.1'])
      for (const source of sources) await lie('loose', source, target, `lie of ${source}`)
    await lie('loose', '10.0.0.12', '127.0.0.1', 'lie to loopback')
    await lie('loose', '10.0.0.12', worldAddress, 'truth')
    await expect.poll(() => who.world.do('all_heard'), wait).toContain('truth')
    for (const name of ['world', 'machine', 'lan'] as const)
      expect(await who[name].do('all_heard'), name).toEqual(name === 'world' ? ['truth'] : [])
  })

  it('guests do not reach addresses and networks that the machine gets later: addresses at once, networks soon', async () => {
    ip('-n', machineNamespace, 'address', 'add', '198.18.0.9/32', 'dev', 'lo')
    expect(await reached('web', ['198.18.0.9'])).toEqual([])
    await start({ guestDeny: { connected: false, cidrs: ['10.77.0.0/16'] } })
    ip('-n', machineNamespace, 'address', 'add', '10.88.0.2/24', 'dev', 'eth1')
    ip('-n', who.lan.namespace, 'address', 'add', '10.88.0.5/24', 'dev', 'eth0')
    await expect.poll(() => reached('web', ['10.88.0.5', lan, '10.88.0.2']), wait).toEqual(['10.88.0.5'])
    await start({ guardMs })
    ip('-n', machineNamespace, 'address', 'add', '10.89.0.2/24', 'dev', 'eth1')
    await expect.poll(async () => (await driver.probe(op())).guestDeny, wait).toContain('10.89.0.0/24')
    expect(await reached('web', ['10.88.0.5', '10.88.0.2', '10.89.0.2'])).toEqual([])
  })

  it('guests do not reach ports that the machine forwards by DNAT, as for a container', async () => {
    await start({ guestDeny: { connected: false, cidrs: [] } })
    const dnat = [
      'add table ip published',
      'add chain ip published pre { type nat hook prerouting priority -100; }',
      `add rule ip published pre ip daddr 198.18.0.10 dnat to ${lan}`,
    ]
    inMachine('nft', dnat.join('; '))
    ip('-n', machineNamespace, 'address', 'add', '198.18.0.10/32', 'dev', 'lo')
    expect(await reached('web', ['198.18.0.10'])).toEqual([])
    inMachine('nft', `flush chain ${table} prerouting`)
    await expect.poll(() => reached('web', ['198.18.0.10']), wait).toEqual(['198.18.0.10'])
    inMachine('nft', 'delete table ip published')
    await start()
  })

  it("STRATOLITH_GUEST_DENY=none opens the machine's networks to guests and keeps the machine closed", async () => {
    await start({ guestDeny: { connected: false, cidrs: [] } })
    await expect.poll(() => reached('web', denied), wait).toEqual([lan, '10.66.0.5'])
    await start()
  })

  it('a flow of a guest ends when its destination becomes denied', async () => {
    await start({ guestDeny: { connected: false, cidrs: [] } })
    await expect.poll(() => who.web.connect(lan, 22, 'old'), wait).toBe('10.77.0.2')
    await start()
    expect(await who.web.talk('more', 'old')).toBeNull()
  })

  it('the world learns how large a packet for a guest may be', async () => {
    // The first echo is dropped at the border of the guests' networks; the second arrives in fragments.
    await who.world.do('udp_echo', { port: 54, address: worldAddress })
    const large = { address: worldAddress, port: 54, size: 1_440, timeout: 0.5 }
    await expect.poll(() => who.web.do('udp', large), wait).toBe(true)
  })

  it('the facts of the host tell the administrator the denied networks and the name servers', async () => {
    const { guestDeny, guestNameServers } = await driver.probe(op())
    const { egress } = driver.capabilities
    expect({ egress, guestNameServers }).toEqual({ egress: 'on', guestNameServers: [nameServer] })
    for (const cidr of [
      '10.66.0.0/24',
      '10.77.0.0/24',
      '203.0.113.9/32',
      '127.0.0.0/8',
      '169.254.0.0/16',
      '::/0',
    ])
      expect(guestDeny).toContain(cidr)
  })
})

describe('the protection of the machine', () => {
  beforeAll(() => start({ guardMs }))
  afterAll(() => start())

  it.each<[string, () => unknown]>([
    ['flushes all rules of the machine', () => inMachine('nft', 'flush', 'ruleset')],
    ['takes a rule away', open.machine],
    ['slips a rule in', () => inMachine('nft', `insert rule ${table} input accept`)],
    ['deletes the uplink', () => ip('-n', machineNamespace, 'link', 'delete', uplink)],
    ['deletes the route', () => ip('-n', machineNamespace, 'route', 'delete', '172.24.4.0/24')],
    ['ends forwarding', () => inMachine('sysctl', '-q', '-w', `net.ipv4.conf.eth0.forwarding=0`)],
  ])('comes back by itself when somebody %s', async (_what, damage) => {
    damage()
    await expect.poll(() => who.web.connect(worldAddress), wait).toBe('10.66.0.2')
    expect(await reached('web', machine)).toEqual([])
    await expect.poll(() => who.machine.connect('172.24.4.20'), wait).toBe('172.24.4.1')
  })
})

describe('IPv6', () => {
  it('does not lead from a guest to the machine, also when somebody switches IPv6 on along the way', async () => {
    expect(ip('-n', machineNamespace, '-6', 'address', 'show', 'dev', uplink)).toBe('')
    await who.machine.do('sniff', { device: uplink })
    const neighbours = `6000000000083aff${'fe80'.padEnd(32, '0')}${'ff02'.padEnd(31, '0')}1`
    const frame = ethernet('33:33:00:00:00:01', 'fa:16:3e:00:00:0c', 0x86dd, `${neighbours}8600000000000000`)
    await who.loose.do('raw', { frame })
    await lie('loose', '10.0.0.12', worldAddress, 'seen')
    await expect.poll(() => who.machine.frames(), wait).not.toEqual([])
    expect((await who.machine.frames()).filter((seen) => seen.slice(24, 28) === '86dd')).toEqual([])
    // The test sends as a guest whose packets have come as far as the data plane.
    const on = ['all', 'default', 'up0'].map((name) => `net.ipv6.conf.${name}.disable_ipv6=0`)
    inNamespace(plane, 'sysctl', '-q', '-w', ...on)
    inMachine('sysctl', '-q', '-w', `net.ipv6.conf.${uplink}.disable_ipv6=0`)
    const usable = (place: string, device: string) =>
      /fe80::[0-9a-f:]+/.exec(ip('-n', place, '-6', 'address', 'show', 'dev', device, '-tentative'))?.[0]
    await expect.poll(() => usable(plane, 'up0'), wait).toBeDefined()
    await expect.poll(() => usable(machineNamespace, uplink), wait).toBeDefined()
    const peer = usable(machineNamespace, uplink)
    const ping = () => {
      try {
        return inNamespace(plane, 'ping', '-6', '-c', '1', '-W', '1', `${peer}%up0`).includes('1 received')
      } catch {
        return false
      }
    }
    // Neighbour advertisements belong to no flow, and the data plane accepts only packets of flows.
    inNamespace(plane, 'nft', 'insert rule inet stratolith input iifname "up0" accept')
    expect(ping()).toBe(false)
    open.machine()
    await expect.poll(ping, wait).toBe(true)
    inNamespace(plane, 'sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1')
    await start()
  })
})

describe('without egress', () => {
  it('guests have no link to the machine at all, and their own networks go on working', async () => {
    await start({ egress: 'off' })
    expect(ip('-n', machineNamespace, 'link')).not.toContain(uplink)
    expect(inMachine('nft', 'list', 'ruleset')).toBe('')
    expect(forwarding('all', 'eth0', 'eth1', 'eth2')).toEqual({ all: '0', eth0: '0', eth1: '1', eth2: '1' })
    expect(marked()).toBe(false)
    for (const guest of ['web', 'loose'] as const)
      expect(await reached(guest, [...denied, worldAddress]), guest).toEqual([])
    expect(await who.web.ping('172.24.4.1'), 'the gateway').toBe(true)
    await expect
      .poll(() => who.loose.connect('172.24.4.20'), { ...wait, message: 'a floating IP' })
      .toBe('10.0.0.1')
    const metadata = new Guest(`${plane}.dhcp.red`)
    await metadata.ready()
    await metadata.do('listen', { port: 80, address: '169.254.169.254' })
    ip('-n', who.web.namespace, 'route', 'add', '169.254.169.254/32', 'via', '10.0.0.2')
    await expect.poll(() => who.web.connect('169.254.169.254', 80), wait).toBe('10.0.0.11')
    await metadata.end()
    const { guestDeny, guestNameServers } = await driver.probe(op())
    const { egress } = driver.capabilities
    expect({ egress, guestDeny, guestNameServers }).toEqual({
      egress: 'off',
      guestDeny: ['0.0.0.0/0', '::/0'],
      guestNameServers: [],
    })
    await start()
    await expect.poll(() => who.web.connect(worldAddress), wait).toBe('10.66.0.2')
  })
})

describe('the machine', () => {
  it('does not become a router between its networks, and stays a router where it was', async () => {
    expect(forwarding('all', 'eth0', 'eth1', 'eth2')).toEqual({ all: '0', eth0: '1', eth1: '1', eth2: '1' })
    expect(await who.world.connect(lan)).toBeNull()
    await expect.poll(() => who.branch.connect(lan), wait).toBe('10.99.0.5')
    expect(inMachine('sysctl', '-n', 'net.ipv4.conf.all.accept_redirects').trim()).toBe('0')
  })

  it('becomes a router as soon as its administrator says so', async () => {
    await start({ guardMs })
    inMachine('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
    await expect.poll(() => who.world.connect(lan), wait).toBe('10.66.0.5')
    await expect.poll(() => who.web.connect(worldAddress), wait).toBe('10.66.0.2')
    expect(await reached('web', denied)).toEqual([])
    expect(marked()).toBe(false)
    inMachine(
      'sysctl',
      '-q',
      '-w',
      'net.ipv4.ip_forward=0',
      'net.ipv4.conf.eth1.forwarding=1',
      'net.ipv4.conf.eth2.forwarding=1',
    )
    await expect.poll(() => who.web.connect(worldAddress), wait).toBe('10.66.0.2')
    expect(await who.world.connect(lan)).toBeNull()
  })

  it('carries two clouds, and forwards until the last cloud has gone', async () => {
    const second = await secondCloud()
    await expect.poll(() => second.leave(), wait).toBe('10.66.0.2')
    driver.close()
    // Changes run one after the other: a change that a timer had begun is over and does not come back after the end.
    await driver.probe(op())
    await destroy()
    await expect.poll(() => second.leave(), wait).toBe('10.66.0.2')
    expect(await who.world.connect(lan)).toBeNull()
    await second.destroy()
    expect(forwarding('all', 'eth0', 'eth1', 'eth2')).toEqual({ all: '0', eth0: '0', eth1: '1', eth2: '1' })
    expect(marked()).toBe(false)
    expect(inMachine('nft', 'list', 'ruleset')).toBe('')
    expect(ip('-n', machineNamespace, 'link')).not.toMatch(/: st/)
  })

  it('stays a router after the last cloud has gone when its administrator made it a router meanwhile', async () => {
    const cloud = await secondCloud()
    expect(forwarding('all', 'eth0')).toEqual({ all: '0', eth0: '1' })
    inMachine('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
    await cloud.destroy()
    expect(forwarding('all', 'eth0')).toEqual({ all: '1', eth0: '1' })
    expect(marked()).toBe(false)
  })
})

/** Makes another cloud on the same machine; `leave` connects to the world from its gateway, as its guest would. */
async function secondCloud() {
  const folder = temporaryFolder()
  const place = { cloud: `${cloud.slice(0, 4)}z`, host: 'h1' }
  const second = createLinuxNetwork({ ...place, dir: `${folder.path}/n`, egress: 'on', machineNamespace })
  const outside = externalSpec('outer', 1)
  const subnets = outside.subnets.map((s) => ({ ...s, cidr: '172.24.5.0/24', gatewayIp: '172.24.5.1' }))
  await second.ensureNetwork(op(), { ...outside, subnets })
  const gateway = new Guest(`st${place.cloud}-h1`)
  await gateway.ready()
  return {
    leave: () => gateway.do('connect', { address: worldAddress, port: 22, source: '172.24.5.1' }),
    destroy: async () => {
      await gateway.end()
      await removeAllNetworks(op(), { cloud: place.cloud, dirs: [folder.path], machineNamespace })
    },
  }
}
