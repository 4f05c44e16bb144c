import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PortSpec, RouterSpec } from '../interface.ts'
import { externalSpec, Guest, ip, networkSpec, op, portSpec, quiet, temporaryFolder } from '../testing/lab.ts'
import { createLinuxNetwork, type LinuxNetwork } from './linux.ts'
import { removeAllNetworks } from './remove-all.ts'

export const cloud = `t${process.pid.toString(36).padStart(4, '0').slice(-4)}`
export const plane = `st${cloud}-h1`
const folder = temporaryFolder()
export const dir = `${folder.path}/network`
export let driver: LinuxNetwork

export const red = networkSpec('red', 1)
export const blue = networkSpec('blue', 2)
export const green = networkSpec('green', 3, '10.1.0')
export const floor = externalSpec('floor', 4)
export const ports = {
  web: portSpec('web', 11, red),
  peer: portSpec('peer', 12, red),
  spy: portSpec('spy', 13, red),
  twin: portSpec('twin', 12 + 250, blue),
  far: portSpec('far', 21, green),
}
export type Name = keyof typeof ports
export const guests = {} as Record<Name, Guest>
export let host: Guest
export const address = (name: Name) => ports[name].addresses[0]?.ip ?? ''
export const router: RouterSpec = {
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
export async function boot(name: Name): Promise<Guest> {
  const spec = ports[name]
  const { tap } = await driver.ensurePort(op(), spec)
  const namespace = `nt${cloud}-${name}`
  ip('netns', 'add', namespace)
  const guest = new Guest(namespace, { dataPlane: plane, tap, mac: spec.mac })
  await guest.ready()
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
  // The MTU that DHCP would tell the guest: the bridge drops frames (and fragments) that are larger.
  ip('-n', namespace, 'link', 'set', 'eth0', 'mtu', String(spec.mtu))
  ip('-n', namespace, 'address', 'add', `${address(name)}/24`, 'dev', 'eth0')
  ip('-n', namespace, 'route', 'add', 'default', 'via', address(name).replace(/\d+$/, '1'))
  return guest
}
export const pidOf = () => Number(readFileSync(`${dir}/dhcp/red.pid`, 'utf8'))
export const change = (name: Name, more: Partial<PortSpec>) =>
  driver.ensurePort(op(), { ...ports[name], ...more })
/** The frames that a guest receives during `work` and a moment after. */
export async function seenBy(name: Name, work: () => Promise<unknown>): Promise<string[]> {
  await guests[name].do('sniff')
  await work()
  await sleep(250)
  return guests[name].frames()
}

/** Makes a data plane with a router, four networks and five guests. With `wholeBytes` 0 it works as on a host with many ports. */
export async function setUp({ wholeBytes }: { wholeBytes?: number } = {}): Promise<void> {
  driver = createLinuxNetwork({
    cloud,
    host: 'h1',
    dir,
    egress: 'off',
    log: quiet,
    watchMs: 200,
    snapshotMs: 0,
    wholeBytes,
  })
  for (const network of [red, blue, green, floor]) await driver.ensureNetwork(op(), network)
  await driver.ensureRouter(op(), router)
  for (const name of Object.keys(ports) as Name[]) guests[name] = await boot(name)
  host = new Guest(plane)
  await host.ready()
  for (const name of ['web', 'peer', 'twin', 'far'] as const) {
    await guests[name].do('listen', { port: 22 })
    await guests[name].do('udp_echo', { port: 53 })
  }
}

export async function tearDown(): Promise<void> {
  driver?.close()
  await Promise.all([...Object.values(guests), host].filter(Boolean).map((guest) => guest.end()))
  for (const name of Object.keys(ports)) if (guests[name as Name]) ip('netns', 'delete', `nt${cloud}-${name}`)
  await removeAllNetworks(op(), { cloud, dirs: [dir] })
  folder.remove()
}
