import { existsSync, readdirSync } from 'node:fs'
import { DriverError } from '../../errors.ts'
import type { Op } from '../../op.ts'
import { ipBatch, namespaceFolder, run } from './exec.ts'

export function namespaceExists(name: string): boolean {
  return existsSync(`${namespaceFolder}/${name}`)
}

export function namespaceNames(): string[] {
  return existsSync(namespaceFolder) ? readdirSync(namespaceFolder) : []
}

type Sysctls = Readonly<Record<string, string | number>>

const common: Sysctls = {
  'net.ipv6.conf.all.disable_ipv6': 1,
  'net.ipv6.conf.default.disable_ipv6': 1,
  'net.ipv4.conf.all.accept_redirects': 0,
  'net.ipv4.conf.default.accept_redirects': 0,
  'net.ipv4.conf.all.send_redirects': 0,
  'net.ipv4.conf.default.send_redirects': 0,
  'net.ipv4.conf.all.accept_source_route': 0,
  'net.ipv4.conf.default.accept_source_route': 0,
  'net.ipv4.conf.all.rp_filter': 0,
  'net.ipv4.conf.default.rp_filter': 0,
  // A new namespace inherits these from the machine, where they may be on; then 127.0.0.0/8 would be routed.
  'net.ipv4.conf.all.route_localnet': 0,
  'net.ipv4.conf.default.route_localnet': 0,
}

/** The settings of the data plane: bridged packets pass the inet hooks, and no flow is picked up in its middle. */
export const dataPlaneSysctls: Sysctls = {
  ...common,
  'net.ipv4.ip_forward': 1,
  'net.bridge.bridge-nf-call-iptables': 1,
  'net.bridge.bridge-nf-call-ip6tables': 1,
  'net.bridge.bridge-nf-call-arptables': 0,
  // Otherwise the next packet from the allowed side would revive a flow that we ended.
  'net.netfilter.nf_conntrack_tcp_loose': 0,
}
export const routerSysctls: Sysctls = {
  ...common,
  'net.ipv4.ip_forward': 1,
  // The router answers ARP for an address only on the interface that has the address.
  'net.ipv4.conf.all.arp_ignore': 1,
  'net.netfilter.nf_conntrack_tcp_loose': 0,
}
export const dhcpSysctls: Sysctls = { ...common, 'net.ipv4.ip_forward': 0 }

/** Makes a namespace with its sysctls; returns true when it was not there before. */
export async function ensureNamespace(op: Op, name: string, sysctls: Sysctls): Promise<boolean> {
  const isNew = !namespaceExists(name)
  if (isNew) await run(op, ['ip', 'netns', 'add', name])
  try {
    await ipBatch(op, name, ['link set dev lo up'])
    await setSysctls(op, name, sysctls)
  } catch (error) {
    if (isNew) await removeNamespace(op, name)
    throw error
  }
  return isNew
}

async function setSysctls(op: Op, namespace: string, sysctls: Sysctls): Promise<void> {
  const pairs = Object.entries(sysctls).map(([key, value]) => `${key}=${value}`)
  await run(op, ['sysctl', '-q', '-w', ...pairs], { namespace })
}

/** Removes a namespace with its links, and thereby the peers of these links in the data plane. */
export async function removeNamespace(op: Op, name: string): Promise<void> {
  if (!namespaceExists(name)) return
  try {
    await run(op, ['ip', 'netns', 'delete', name])
  } catch (error) {
    if (namespaceExists(name)) throw error
  }
}

/** Makes sure that tun, br_netfilter and conntrack are loaded. Raises `unsupported` with a sentence that says what to do. */
export async function requireKernel(op: Op): Promise<void> {
  if (!existsSync('/dev/net/tun')) await load(op, 'tun', '/dev/net/tun')
  if (!existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables'))
    await load(op, 'br_netfilter', '/proc/sys/net/bridge/bridge-nf-call-iptables')
  if (!existsSync('/proc/sys/net/netfilter/nf_conntrack_max'))
    await load(op, 'nf_conntrack', '/proc/sys/net/netfilter/nf_conntrack_max')
}

async function load(op: Op, module: string, file: string): Promise<void> {
  let reason = ''
  try {
    await run(op, ['modprobe', module])
  } catch (error) {
    reason = error instanceof Error ? ` (${error.message})` : ''
  }
  if (!existsSync(file))
    throw new DriverError(
      'unsupported',
      `This kernel lacks ${module}: run 'modprobe ${module}' as root${reason}.`,
    )
}
