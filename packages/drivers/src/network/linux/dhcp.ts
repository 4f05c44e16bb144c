import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import type { NetworkSpec, PortSpec } from '../interface.ts'
import { netmask, parseCidr, toAddress } from '../ipv4.ts'
import { servesDhcp } from '../relations.ts'
import { ensureInfrastructure, removeInfrastructure } from './bridges.ts'
import { ipBatch, run } from './exec.ts'
import { metadataAddress } from './filter.ts'
import { addressLines, type Kernel, readAddresses } from './kernel.ts'
import { dhcpNamespace, dhcpPeer, stableMac } from './names.ts'
import { dhcpSysctls, ensureNamespace, namespaceExists, removeNamespace } from './namespace.ts'
import { bridgeOf, type Plane } from './plane.ts'

const device = 'dhcp0'
const leaseSeconds = 86_400

/**
 * Makes the DHCP namespace, its addresses (also the metadata address) and a running dnsmasq. Writes only what differs.
 * `again`: dnsmasq reads its files again even when they are right already, because the agent that wrote them may
 * have been killed before it sent the signal.
 */
export async function ensureDhcp(
  op: Op,
  plane: Plane,
  spec: NetworkSpec,
  kernel: Kernel,
  { again = false } = {},
): Promise<void> {
  if (!servesDhcp(spec)) return removeDhcp(op, plane, spec, kernel)
  const namespace = dhcpNamespace(plane.place, spec.id)
  const isNew = await ensureDhcpNamespace(op, plane, spec, namespace, kernel)
  const want = [
    ...spec.subnets.flatMap((s) => (s.dhcp && s.dhcpIp ? [`${s.dhcpIp}/${parseCidr(s.cidr)?.prefix}`] : [])),
    `${metadataAddress}/32`,
  ]
  const have = isNew ? [] : await readAddresses(op, namespace, device)
  const lines = addressLines(device, have, want)
  if (isNew || lines.length > 0) await ipBatch(op, namespace, [...lines, `link set dev ${device} up`])
  const changed = await writeFiles(plane, spec)
  const pid = runningPid(plane, spec)
  if (pid === null || isNew) await startDnsmasq(op, plane, spec)
  else if (changed || again) readAgain(pid)
  if (isNew) plane.metadataChanged()
}

async function ensureDhcpNamespace(
  op: Op,
  plane: Plane,
  spec: NetworkSpec,
  namespace: string,
  kernel: Kernel,
) {
  const peer = dhcpPeer(plane.place, spec.tag)
  let isNew = false
  if (!namespaceExists(namespace)) {
    await ensureNamespace(op, namespace, dhcpSysctls)
    isNew = true
    // A process may keep the deleted namespace alive, and the other end of our link with it.
    if (kernel.links.has(peer))
      await ipBatch(op, plane.namespace, [`link delete dev ${peer}`], { force: true })
    kernel.links.delete(peer)
  }
  const mac = stableMac(plane.place.cloud, 'dhcp', spec.id)
  const create = `link add ${peer} mtu ${spec.mtu} type veth peer name ${device} mtu ${spec.mtu} address ${mac} netns ${namespace}`
  const made = await ensureInfrastructure(
    op,
    plane,
    { device: peer, bridge: bridgeOf(plane, spec), mtu: spec.mtu, create },
    kernel,
  )
  return isNew || made
}

/** Rewrites the static leases after a port came, went or changed. `again`: as in ensureDhcp. */
export async function refreshLeases(plane: Plane, spec: NetworkSpec, { again = false } = {}): Promise<void> {
  if (!servesDhcp(spec)) return
  const changed = await writeFiles(plane, spec)
  const pid = changed || again ? runningPid(plane, spec) : null
  if (pid !== null) readAgain(pid)
}

function readAgain(pid: number): void {
  try {
    process.kill(pid, 'SIGHUP')
  } catch (error) {
    // dnsmasq has just died. It reads the files when it is started again.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Starts dnsmasq again when it has died; returns true in that case. */
export async function superviseDhcp(op: Op, plane: Plane, spec: NetworkSpec): Promise<boolean> {
  if (!servesDhcp(spec) || !namespaceExists(dhcpNamespace(plane.place, spec.id))) return false
  if (runningPid(plane, spec) !== null) return false
  await startDnsmasq(op, plane, spec)
  return true
}

export async function removeDhcp(op: Op, plane: Plane, spec: NetworkSpec, kernel: Kernel): Promise<void> {
  await stopDnsmasq(plane, spec.id)
  await removeInfrastructure(op, plane, dhcpPeer(plane.place, spec.tag), kernel)
  const namespace = dhcpNamespace(plane.place, spec.id)
  if (namespaceExists(namespace)) {
    await removeNamespace(op, namespace)
    plane.metadataChanged()
  }
  for (const file of Object.values(files(plane, spec.id))) await rm(file, { force: true })
}

function files(plane: Plane, networkId: string) {
  const base = join(plane.state.dir, 'dhcp', networkId)
  return { hosts: `${base}.hosts`, options: `${base}.options`, pid: `${base}.pid` }
}

function argv(plane: Plane, spec: NetworkSpec): string[] {
  const { hosts, options, pid } = files(plane, spec.id)
  const ranges = spec.subnets.flatMap((subnet, index) => {
    const range = parseCidr(subnet.cidr)
    if (!subnet.dhcp || !range) return []
    return [
      `--dhcp-range=set:s${index},${toAddress(range.first)},static,${netmask(range.prefix)},${leaseSeconds}s`,
    ]
  })
  return [
    'dnsmasq',
    '--conf-file=/dev/null',
    '--no-hosts',
    '--no-resolv',
    '--no-ping',
    '--port=0',
    '--bind-interfaces',
    `--interface=${device}`,
    '--except-interface=lo',
    '--leasefile-ro',
    '--dhcp-authoritative',
    '--quiet-dhcp',
    // No log, because a guest could fill it.
    '--log-facility=/dev/null',
    ...ranges,
    `--dhcp-hostsfile=${hosts}`,
    `--dhcp-optsfile=${options}`,
    `--pid-file=${pid}`,
    `--user=${reachableByOthers(dirname(hosts)) ? 'nobody' : 'root'}`,
    '--group=nogroup',
  ]
}

/** True when any user may pass all folders up to the root: at SIGHUP dnsmasq reads its files as its unprivileged user. */
function reachableByOthers(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  const above = dirname(folder)
  return above === folder || reachableByOthers(above)
}

/** Pid of the dnsmasq that serves exactly this network as it is now; null when there is none. */
export function runningPid(plane: Plane, spec: NetworkSpec): number | null {
  const pid = recordedPid(plane, spec.id)
  return pid !== null && commandLine(pid) === `${argv(plane, spec).join('\0')}\0` ? pid : null
}

function recordedPid(plane: Plane, networkId: string): number | null {
  const file = files(plane, networkId).pid
  if (!existsSync(file)) return null
  const pid = Number(readFileSync(file, 'utf8').trim())
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null
}

/** The command line of a process; empty for a zombie and for a process that is gone. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

async function startDnsmasq(op: Op, plane: Plane, spec: NetworkSpec): Promise<void> {
  await stopDnsmasq(plane, spec.id)
  // dnsmasq puts itself into the background, so the exit code tells whether it could start.
  await run(op, argv(plane, spec), { namespace: dhcpNamespace(plane.place, spec.id) })
  for (let tries = 0; runningPid(plane, spec) === null; tries += 1) {
    if (tries >= 50)
      throw new DriverError('failed', `dnsmasq of network ${spec.id} ended right after its start.`)
    await sleep(10)
  }
}

/** Ends the dnsmasq that serves this network, also when it was started with other arguments. */
async function stopDnsmasq(plane: Plane, networkId: string): Promise<void> {
  const pid = recordedPid(plane, networkId)
  const marker = `--pid-file=${files(plane, networkId).pid}\0`
  const isOurs = (id: number) => commandLine(id).startsWith('dnsmasq\0') && commandLine(id).includes(marker)
  if (pid === null || !isOurs(pid)) return
  process.kill(pid, 'SIGTERM')
  for (let tries = 0; tries < 100 && isOurs(pid); tries += 1) await sleep(10)
  if (isOurs(pid)) process.kill(pid, 'SIGKILL')
}

/** Writes the two files that dnsmasq reads again at SIGHUP. True when one of them changed. */
async function writeFiles(plane: Plane, spec: NetworkSpec): Promise<boolean> {
  const { hosts, options } = files(plane, spec.id)
  mkdirSync(dirname(hosts), { recursive: true, mode: 0o755 })
  const ports = plane.state.portsOf(spec.id).map((entry) => entry.spec)
  const changedHosts = await writeIfChanged(hosts, hostLines(spec, ports))
  return (await writeIfChanged(options, optionLines(spec))) || changedHosts
}

async function writeIfChanged(file: string, lines: readonly string[]): Promise<boolean> {
  const text = lines.map((line) => `${line}\n`).join('')
  const before = await readFile(file, 'utf8').catch(() => null)
  if (before === text) return false
  await writeFile(`${file}.tmp`, text, { mode: 0o644 })
  await rename(`${file}.tmp`, file)
  return true
}

/**
 * The lines `<mac>,<address>[,<name>.guest]` of dnsmasq's hosts file, with the first address of each port that is on
 * a subnet with DHCP. Without the domain (which dnsmasq strips), host names such as 'ignore', 'infinite' or '60'
 * would be keywords of dnsmasq. There are no `set:` tags: after dnsmasq (up to 2.90 at least) has answered a host that
 * has a tag, it crashes at the next SIGHUP, because it frees the chain of tags of that answer together with the host's.
 */
export function hostLines(spec: NetworkSpec, ports: readonly PortSpec[]): string[] {
  const served = new Set(spec.subnets.filter((subnet) => subnet.dhcp).map((subnet) => subnet.id))
  return ports.flatMap((port) => {
    const address = port.addresses.find((candidate) => served.has(candidate.subnetId))
    const name = port.hostname === '' ? '' : `,${port.hostname.split('.')[0]}.guest`
    return address ? [`${port.mac},${address.ip}${name}`] : []
  })
}

/** DHCP options by number (RFC 2132; 121 is in RFC 3442, and 249 is Microsoft's copy of 121). */
export function optionLines(spec: NetworkSpec): string[] {
  return spec.subnets.flatMap((subnet, index) => {
    if (!subnet.dhcp || !subnet.dhcpIp) return []
    const routes = [`${metadataAddress}/32,${subnet.dhcpIp}`]
    if (subnet.gatewayIp) routes.push(`0.0.0.0/0,${subnet.gatewayIp}`)
    const tag = `tag:s${index}`
    return [
      // Without a value dnsmasq sends no router; without the option it would send its own address.
      `${tag},3${subnet.gatewayIp ? `,${subnet.gatewayIp}` : ''}`,
      `${tag},121,${routes.join(',')}`,
      `${tag},249,${routes.join(',')}`,
      `${tag},26,${spec.mtu}`,
      ...(subnet.dns.length > 0 ? [`${tag},6,${subnet.dns.join(',')}`] : []),
    ]
  })
}
