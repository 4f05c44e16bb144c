import { expect } from 'vitest'
import type { RouterSpec } from '../interface.ts'
import { ethernet, ipv4, udp } from '../testing/frames.ts'
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
import { createLinuxNetwork, type LinuxNetwork, type LinuxNetworkOptions } from './linux.ts'
import { removeAllNetworks } from './remove-all.ts'

/**
 * A machine with three networks, all made of namespaces: eth0 leads to the world, eth1 to the machine's LAN
 * and eth2 to a branch office, for which the machine is a router already. The name server is in `lan`.
 */
export const cloud = `g${process.pid.toString(36).padStart(4, '0').slice(-4)}`
export const plane = `st${cloud}-h1`
export const machineNamespace = `nt${cloud}-machine`
const folder = temporaryFolder()
const dir = `${folder.path}/network`
export const nameServer = '10.77.0.53'
export const worldAddress = '198.51.100.7'

const red = networkSpec('red', 1)
const floor = externalSpec('floor', 2)
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
const ports = {
  web: portSpec('web', 11, red, { rules: [egressAll, tcpFrom(22)] }),
  /** A guest whose owner has switched port security off, so that the guest may send any frame. */
  loose: portSpec('loose', 12, red, { portSecurity: false, rules: [] }),
}

export let driver: LinuxNetwork
export type Who = keyof typeof ports | 'machine' | 'world' | 'lan' | 'branch'
export const who = {} as Record<Who, Guest>

/** Starts a new driver, as an agent that starts with other settings. It checks the machine by itself only when `guardMs` is given. */
export async function start(more: Partial<LinuxNetworkOptions> = {}): Promise<void> {
  driver?.close()
  const known = { cloud, host: 'h1', dir, machineNamespace, nameServers: [nameServer] }
  driver = createLinuxNetwork({ ...known, egress: 'on', log: quiet, guardMs: 0, watchMs: 0, ...more })
  await driver.probe(op())
  await driver.ensureNetwork(op(), floor)
}

/** Restores everything that is recorded, as an agent does at its start. */
export async function restore(): Promise<void> {
  expect((await driver.restore(op())).failed).toEqual([])
}

async function person(name: Who, namespace: string, tap?: { dataPlane: string; tap: string; mac: string }) {
  ip('netns', 'add', namespace)
  who[name] = new Guest(namespace, tap)
  await who[name].ready()
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
}

async function neighbour(name: 'world' | 'lan' | 'branch', device: string, prefix: string) {
  const namespace = `nt${cloud}-${name}`
  await person(name, namespace)
  const peer = ['peer', 'name', 'eth0', 'netns', namespace]
  ip('link', 'add', device, 'netns', machineNamespace, 'type', 'veth', ...peer)
  for (const [place, link, address] of [
    [machineNamespace, device, `${prefix}.2/24`],
    [namespace, 'eth0', `${prefix}.5/24`],
  ] as const) {
    ip('-n', place, 'address', 'add', address, 'dev', link)
    ip('-n', place, 'link', 'set', link, 'up')
  }
  ip('-n', namespace, 'route', 'add', 'default', 'via', `${prefix}.2`)
}

async function guest(name: keyof typeof ports) {
  const spec = ports[name]
  const { tap } = await driver.ensurePort(op(), spec)
  const namespace = `nt${cloud}-${name}`
  await person(name, namespace, { dataPlane: plane, tap, mac: spec.mac })
  ip('-n', namespace, 'link', 'set', 'eth0', 'mtu', String(spec.mtu))
  ip('-n', namespace, 'address', 'add', `${spec.addresses[0]?.ip}/24`, 'dev', 'eth0')
  // The guest sends everything to the router, also packets for link-local addresses and the machine.
  ip('-n', namespace, 'route', 'add', 'default', 'via', '10.0.0.1')
  ip('-n', namespace, 'route', 'add', '169.254.0.0/16', 'via', '10.0.0.1')
}

export async function setUp(): Promise<void> {
  await person('machine', machineNamespace)
  // A new namespace inherits the settings of the real machine.
  inMachine('sysctl', '-q', '-w', 'net.ipv4.ip_forward=0', 'net.ipv4.conf.all.accept_redirects=0')
  await neighbour('world', 'eth0', '10.66.0')
  await neighbour('lan', 'eth1', '10.77.0')
  await neighbour('branch', 'eth2', '10.99.0')
  ip('-n', machineNamespace, 'route', 'add', 'default', 'via', '10.66.0.5')
  ip('-n', who.world.namespace, 'address', 'add', `${worldAddress}/32`, 'dev', 'lo')
  ip('-n', who.lan.namespace, 'address', 'add', `${nameServer}/24`, 'dev', 'eth0')
  // The machine has a metadata service of its own, as a virtual machine in another cloud has.
  ip('-n', who.lan.namespace, 'address', 'add', '169.254.1.1/16', 'dev', 'eth0')
  ip('-n', machineNamespace, 'route', 'add', '169.254.0.0/16', 'dev', 'eth1')
  ip('-n', machineNamespace, 'address', 'add', '203.0.113.9/32', 'dev', 'lo')
  inMachine('sysctl', '-q', '-w', 'net.ipv4.conf.eth1.forwarding=1', 'net.ipv4.conf.eth2.forwarding=1')
  for (const name of ['machine', 'world', 'lan'] as const) {
    for (const port of [22, 53]) await who[name].do('listen', { port })
    // The echo server answers from the right address only when it is bound to that address.
    const own = name === 'lan' ? [nameServer, '10.77.0.5'] : ['0.0.0.0']
    for (const address of own) await who[name].do('udp_echo', { port: 53, address })
    await who[name].do('hear', { port: 5000 })
  }
  await start()
  await driver.ensureNetwork(op(), red)
  await driver.ensureRouter(op(), router)
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) await guest(name)
  await who.web.do('listen', { port: 22 })
}

export async function tearDown(): Promise<void> {
  driver?.close()
  const people = Object.values(who)
  await Promise.all(people.map((guest) => guest.end()))
  await removeAllNetworks(op(), { cloud, dirs: [dir], machineNamespace })
  for (const { namespace } of people) ip('netns', 'delete', namespace)
  folder.remove()
}

/** Removes all networks of the cloud, as `npm run destroy` does. */
export const destroy = () => removeAllNetworks(op(), { cloud, dirs: [], machineNamespace })

export const inMachine = (...argv: string[]) => inNamespace(machineNamespace, ...argv)

/** The machine's net.ipv4.conf.<name>.forwarding, by name. */
export function forwarding(...names: string[]): Record<string, string> {
  const read = (name: string) => inMachine('sysctl', '-n', `net.ipv4.conf.${name}.forwarding`).trim()
  return Object.fromEntries(names.map((name) => [name, read(name)]))
}

/** The addresses from which the guest gets any answer. */
export async function reached(guest: 'web' | 'loose', addresses: readonly string[]): Promise<string[]> {
  const answers = await Promise.all(
    addresses.map(async (address) => {
      const asked = { address, port: 53, timeout: 0.7 }
      const tries = [
        who[guest].do<string | null>('connect', { address, port: 22, timeout: 0.7 }),
        who[guest].do<boolean>('udp', asked),
        who[guest].do<boolean>('ping', { address, timeout: 0.7 }),
      ]
      return (await Promise.all(tries)).some(Boolean) ? [address] : []
    }),
  )
  return answers.flat()
}

/** Sends a datagram to port 5000 with the source address `source`. */
export async function lie(guest: 'web' | 'loose', source: string, target: string, text: string) {
  const hex = Buffer.from(text).toString('hex')
  const packet = ipv4(source, target, 17, udp(4000, 5000, hex))
  await who[guest].do('raw', { frame: ethernet('fa:16:3e:00:01:01', ports[guest].mac, 0x0800, packet) })
}
