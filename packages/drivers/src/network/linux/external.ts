import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import type { NetworkSpec } from '../interface.ts'
import { canonicalCidr, parseCidr } from '../ipv4.ts'
import { ensureInfrastructure, removeInfrastructure } from './bridges.ts'
import { ipBatch, nft, run, runJson } from './exec.ts'
import { addressLines, type Kernel, readAddresses, readLinks } from './kernel.ts'
import { externalGateway, externalPeer, machineTable, stableMac, uplinkName, uplinkPeer } from './names.ts'
import { bridgeOf, type Plane } from './plane.ts'

/**
 * The external network's gateway is a veth pair into its bridge and not an address on the bridge, so that
 * what comes from here to a guest passes the same bridge filters as everything else.
 */
export async function ensureExternal(op: Op, plane: Plane, spec: NetworkSpec, kernel: Kernel): Promise<void> {
  const device = externalGateway(plane.place, spec.tag)
  const peer = externalPeer(plane.place, spec.tag)
  if (!spec.external) return removeExternal(op, plane, spec, kernel)
  const mac = stableMac(plane.place.cloud, 'external', spec.id)
  const create = `link add ${peer} mtu ${spec.mtu} type veth peer name ${device} mtu ${spec.mtu} address ${mac}`
  await ensureInfrastructure(
    op,
    plane,
    { device: peer, bridge: bridgeOf(plane, spec), mtu: spec.mtu, create },
    kernel,
  )
  const want = spec.subnets.flatMap((s) =>
    s.gatewayIp ? [`${s.gatewayIp}/${parseCidr(s.cidr)?.prefix}`] : [],
  )
  const lines = addressLines(device, await readAddresses(op, plane.namespace, device), want)
  const link = kernel.links.get(device)
  if (!link?.up || lines.length > 0)
    await ipBatch(op, plane.namespace, [...lines, `link set dev ${device} up`])
  if (plane.egress === 'on') await ensureUplink(op, plane, floatingRanges(plane, spec.id, spec))
}

export async function removeExternal(op: Op, plane: Plane, spec: NetworkSpec, kernel: Kernel): Promise<void> {
  await removeInfrastructure(op, plane, externalPeer(plane.place, spec.tag), kernel)
  const rest = floatingRanges(plane, spec.id, null)
  if (plane.egress === 'off' || !kernel.links.has(uplinkPeer)) return
  if (rest.length > 0) await ensureUplink(op, plane, rest)
  else await removeUplink(op, plane)
}

/** CIDRs of all external networks of this host, with `spec` in place of what is recorded under `id`. */
export function floatingRanges(plane: Plane, id: string, spec: NetworkSpec | null): string[] {
  const others = [...plane.state.networks.entries.values()]
    .map((entry) => entry.spec)
    .filter((n) => n.id !== id)
  const external = [...others, ...(spec ? [spec] : [])].filter((network) => network.external)
  return external.flatMap((network) => network.subnets.flatMap((subnet) => canonicalCidr(subnet.cidr) ?? []))
}

/** Both ends of the uplink; the same pair on every host, because each is seen only over its own link. */
const machineEnd = '169.254.240.1'
const ourEnd = '169.254.240.2'

/**
 * Joins the data plane to the machine: a veth pair, a route to the floating range, one masquerade rule
 * and two that keep guests off the machine itself, all in a table of our own.
 */
async function ensureUplink(op: Op, plane: Plane, cidrs: readonly string[]): Promise<void> {
  if (cidrs.length === 0) return
  const uplink = uplinkName(plane.place)
  const machine = plane.machineNamespace
  await refuseTakenRange(op, plane, cidrs, uplink)
  if (!(await readLinks(op, machine)).has(uplink)) {
    const target = machine === undefined ? [] : ['netns', machine]
    const ours = ['peer', 'name', uplinkPeer, 'netns', plane.namespace]
    await run(op, ['ip', 'link', 'add', uplink, ...target, 'type', 'veth', ...ours])
  }
  await ipBatch(op, plane.namespace, [
    `address replace ${ourEnd}/32 dev ${uplinkPeer}`,
    `link set dev ${uplinkPeer} up`,
    `route replace default via ${machineEnd} dev ${uplinkPeer} onlink`,
  ])
  await ipBatch(op, machine, [
    `address replace ${machineEnd}/32 dev ${uplink}`,
    `link set dev ${uplink} up`,
    ...cidrs.map((cidr) => `route replace ${cidr} via ${ourEnd} dev ${uplink} onlink`),
  ])
  await nft(op, machine, machineText(plane, cidrs, uplink))
  // The machine's own packets show the gateway's address: guests could not answer a link-local one.
  const nat = 'ip stratolith_uplink'
  await nft(
    op,
    plane.namespace,
    `add table ${nat}\nflush table ${nat}\nadd chain ${nat} post { type nat hook postrouting priority 100; }\nadd rule ${nat} post ip saddr ${machineEnd} masquerade\n`,
  )
  await enableForwarding(op, plane)
}

function machineText(plane: Plane, cidrs: readonly string[], uplink: string): string {
  const own = `inet ${machineTable(plane.place)}`
  const range = `{ ${cidrs.join(', ')} }`
  return [
    `add table ${own}`,
    `flush table ${own}`,
    `add chain ${own} post { type nat hook postrouting priority 100; }`,
    `add rule ${own} post ip saddr ${range} oifname != "${uplink}" masquerade`,
    `add chain ${own} input { type filter hook input priority 0; }`,
    `add rule ${own} input iifname "${uplink}" ct state != { established, related } drop`,
    `add chain ${own} forward { type filter hook forward priority 0; }`,
    `add rule ${own} forward iifname "${uplink}" ip saddr != ${range} drop`,
    '',
  ].join('\n')
}

async function refuseTakenRange(
  op: Op,
  plane: Plane,
  cidrs: readonly string[],
  uplink: string,
): Promise<void> {
  const routes = await runJson(op, ['ip', '-j', '-4', 'route', 'show'], { namespace: plane.machineNamespace })
  for (const route of Array.isArray(routes) ? routes : []) {
    if (cidrs.includes(route.dst) && route.dev !== uplink)
      throw new DriverError(
        'conflict',
        `The floating range ${route.dst} is already reached over ${route.dev} on this machine: choose another range for this cloud.`,
      )
  }
}

const forwarding = 'net.ipv4.ip_forward'
const memory = (dir: string) => join(dir, 'machine.json')

/** Forwarding is the one setting of the machine that we change; what it was is kept for removal. */
async function enableForwarding(op: Op, plane: Plane): Promise<void> {
  const options = { namespace: plane.machineNamespace }
  const { stdout } = await run(op, ['sysctl', '-n', forwarding], options)
  if (stdout.trim() === '1') return
  writeFileSync(memory(plane.state.dir), JSON.stringify({ forwarding: stdout.trim() }))
  await run(op, ['sysctl', '-q', '-w', `${forwarding}=1`], options)
}

/** Takes our table and link off the machine and puts forwarding back, unless another cloud still needs it. */
async function removeUplink(op: Op, plane: Plane): Promise<void> {
  const machine = plane.machineNamespace
  const uplink = uplinkName(plane.place)
  if ((await readLinks(op, machine)).has(uplink)) await ipBatch(op, machine, [`link delete dev ${uplink}`])
  const own = machineTable(plane.place)
  if ((await machineTables(op, machine)).includes(own)) await nft(op, machine, `delete table inet ${own}\n`)
  await restoreForwarding(op, plane.state.dir, machine)
}

/** Names of the tables that clouds of ours have on the machine. */
export async function machineTables(op: Op, namespace: string | undefined): Promise<string[]> {
  const { stdout } = await run(op, ['nft', 'list', 'tables'], { namespace })
  return stdout.split('\n').flatMap((line) => line.match(/^table inet (stratolith_\w+)$/)?.[1] ?? [])
}

/** Puts the machine's forwarding back to what `dir` remembers, once no cloud of ours needs it any more. */
export async function restoreForwarding(op: Op, dir: string, namespace: string | undefined): Promise<void> {
  if (!existsSync(memory(dir)) || (await machineTables(op, namespace)).length > 0) return
  const before = JSON.parse(readFileSync(memory(dir), 'utf8')) as { forwarding?: unknown }
  if (before.forwarding === '0') await run(op, ['sysctl', '-q', '-w', `${forwarding}=0`], { namespace })
  rmSync(memory(dir), { force: true })
}
