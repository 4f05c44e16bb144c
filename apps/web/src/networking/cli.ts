import { shellLine } from '../kit/shell.ts'
import type { Pool } from './cidr.ts'

/** The stock `openstack` client's commands for the forms of this room. */

const lines = (...commands: (string | false)[]): string => commands.filter(Boolean).join('\n')

export type SubnetValues = {
  cidr: string
  gateway: string
  noGateway: boolean
  dhcp: boolean
  dns: string[]
  pool: Pool
}

export const subnetCreateCli = (network: string, name: string, values: SubnetValues): string =>
  shellLine(
    ...['openstack', 'subnet', 'create', '--network', network || 'NETWORK'],
    ...['--subnet-range', values.cidr || 'RANGE'],
    ...(values.noGateway ? ['--gateway', 'none'] : values.gateway ? ['--gateway', values.gateway] : []),
    values.dhcp ? '--dhcp' : '--no-dhcp',
    ...values.dns.flatMap((server) => ['--dns-nameserver', server]),
    ...poolWords(values.pool),
    name || 'NAME',
  )
const poolWords = ({ start, end }: Pool): string[] =>
  start && end ? ['--allocation-pool', `start=${start},end=${end}`] : []

/** The client adds to lists, so the old entries are removed first. */
export const subnetSetCli = (
  id: string,
  values: Omit<SubnetValues, 'cidr'> & { name: string; description: string },
): string =>
  shellLine(
    ...['openstack', 'subnet', 'set', '--name', values.name, '--description', values.description],
    ...(values.noGateway ? ['--gateway', 'none'] : values.gateway ? ['--gateway', values.gateway] : []),
    values.dhcp ? '--dhcp' : '--no-dhcp',
    '--no-dns-nameservers',
    ...values.dns.flatMap((server) => ['--dns-nameserver', server]),
    ...(values.pool.start && values.pool.end ? ['--no-allocation-pool', ...poolWords(values.pool)] : []),
    id,
  )
export const subnetDeleteCli = (id: string): string => shellLine('openstack', 'subnet', 'delete', id)

export const networkCreateCli = (
  values: { name: string; description: string; external: boolean; shared: boolean; mtu: number },
  subnet: SubnetValues | null,
): string => {
  const name = values.name.trim() || 'NAME'
  return lines(
    shellLine(
      ...['openstack', 'network', 'create'],
      ...(values.description ? ['--description', values.description] : []),
      values.external && '--external',
      values.shared && '--share',
      ...(values.mtu === 1500 ? [] : ['--mtu', values.mtu]),
      name,
    ),
    subnet !== null && subnetCreateCli(name, `${name}-subnet`, subnet),
  )
}
export const networkSetCli = (
  id: string,
  values: { name: string; description: string; adminUp: boolean; mtu: number; portSecurity: boolean },
): string =>
  shellLine(
    ...['openstack', 'network', 'set', '--name', values.name, '--description', values.description],
    values.adminUp ? '--enable' : '--disable',
    ...['--mtu', values.mtu],
    values.portSecurity ? '--enable-port-security' : '--disable-port-security',
    id,
  )
export const networkShareCli = (network: string, target: string): string =>
  shellLine(
    ...['openstack', 'network', 'rbac', 'create', '--type', 'network', '--action', 'access_as_shared'],
    ...(target === '*' ? ['--target-all-projects'] : ['--target-project', target || 'PROJECT']),
    network,
  )
export const networkUnshareCli = (id: string): string =>
  shellLine('openstack', 'network', 'rbac', 'delete', id)
export const networkDeleteCli = (id: string): string => shellLine('openstack', 'network', 'delete', id)

export type FixedIpValues = { subnetId: string; address: string }
const fixedIpWords = (wishes: readonly FixedIpValues[]): string[] =>
  wishes.flatMap(({ subnetId, address }) => [
    '--fixed-ip',
    address ? `subnet=${subnetId},ip-address=${address}` : `subnet=${subnetId}`,
  ])

export type PortCreateValues = {
  name: string
  description: string
  fixedIps: readonly FixedIpValues[]
  /** Null: the project's default group. */
  groups: readonly string[] | null
  adminUp: boolean
  portSecurity: boolean
}
export const portCreateCli = (network: string, values: PortCreateValues): string =>
  shellLine(
    ...['openstack', 'port', 'create', '--network', network || 'NETWORK'],
    ...(values.description ? ['--description', values.description] : []),
    ...fixedIpWords(values.fixedIps),
    ...(values.portSecurity ? groupWords(values.groups) : ['--no-security-group', '--disable-port-security']),
    !values.adminUp && '--disable',
    values.name || 'NAME',
  )
const groupWords = (groups: readonly string[] | null): string[] => {
  if (groups === null) return []
  return groups.length === 0
    ? ['--no-security-group']
    : groups.flatMap((group) => ['--security-group', group])
}

/**
 * `port set` adds groups unless the old ones are cleared, so the command clears them first. `filter` is null for a port
 * that a router or a floating IP has made: its traffic has no filters to set.
 */
export const portSetCli = (
  id: string,
  values: {
    name: string
    description: string
    filter: { groups: readonly string[]; adminUp: boolean; portSecurity: boolean } | null
  },
): string =>
  shellLine(
    ...['openstack', 'port', 'set', '--name', values.name, '--description', values.description],
    ...(values.filter
      ? [
          values.filter.adminUp ? '--enable' : '--disable',
          '--no-security-group',
          ...(values.filter.portSecurity
            ? [
                '--enable-port-security',
                ...values.filter.groups.flatMap((group) => ['--security-group', group]),
              ]
            : ['--disable-port-security']),
        ]
      : []),
    id,
  )
export const portAddressesCli = (id: string, wishes: readonly FixedIpValues[]): string =>
  shellLine('openstack', 'port', 'set', '--no-fixed-ip', ...fixedIpWords(wishes), id)
export const portDeleteCli = (id: string): string => shellLine('openstack', 'port', 'delete', id)

export const routerCreateCli = (
  values: { name: string; description: string; projectId?: string },
  external: string | null,
): string =>
  shellLine(
    ...['openstack', 'router', 'create'],
    ...(values.projectId ? ['--project', values.projectId] : []),
    ...(values.description ? ['--description', values.description] : []),
    ...(external === null ? [] : ['--external-gateway', external]),
    values.name || 'NAME',
  )
export const routerSetCli = (
  id: string,
  values: { name: string; description: string; adminUp: boolean },
): string =>
  shellLine(
    ...['openstack', 'router', 'set', '--name', values.name, '--description', values.description],
    values.adminUp ? '--enable' : '--disable',
    id,
  )
export const routerDeleteCli = (id: string): string => shellLine('openstack', 'router', 'delete', id)
export const routerSubnetCli = (verb: 'add' | 'remove', router: string, subnet: string): string =>
  shellLine('openstack', 'router', verb, 'subnet', router, subnet || 'SUBNET')
export const routerGatewayCli = (router: string, external: string | null): string =>
  external === null
    ? shellLine('openstack', 'router', 'unset', '--external-gateway', router)
    : shellLine('openstack', 'router', 'set', '--external-gateway', external || 'NETWORK', router)

export const groupCreateCli = (values: { name: string; description: string }): string =>
  shellLine(
    ...['openstack', 'security', 'group', 'create'],
    ...(values.description ? ['--description', values.description] : []),
    values.name || 'NAME',
  )
export const groupSetCli = (id: string, values: { name: string; description: string }): string =>
  shellLine(
    'openstack',
    'security',
    'group',
    'set',
    '--name',
    values.name,
    '--description',
    values.description,
    id,
  )
export const groupDeleteCli = (id: string): string =>
  shellLine('openstack', 'security', 'group', 'delete', id)

export type RuleCli = {
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  protocol: string | null
  portMin: number | null
  portMax: number | null
  remoteCidr: string | null
  remoteGroup: string | null
  description: string
}
export function ruleCreateCli(group: string, rule: RuleCli): string {
  const icmp = rule.protocol === 'icmp'
  return shellLine(
    ...['openstack', 'security', 'group', 'rule', 'create', `--${rule.direction}`],
    ...(rule.ethertype === 'IPv4' ? [] : ['--ethertype', rule.ethertype]),
    '--protocol',
    rule.protocol === 'icmp' && rule.ethertype === 'IPv6' ? 'ipv6-icmp' : (rule.protocol ?? 'any'),
    ...(rule.portMin === null ? [] : icmp ? ['--icmp-type', rule.portMin] : ['--dst-port', portRange(rule)]),
    ...(icmp && rule.portMax !== null ? ['--icmp-code', rule.portMax] : []),
    ...(rule.remoteGroup ? ['--remote-group', rule.remoteGroup] : []),
    ...(rule.remoteCidr && !rule.remoteGroup ? ['--remote-ip', rule.remoteCidr] : []),
    ...(rule.description ? ['--description', rule.description] : []),
    group,
  )
}
const portRange = ({ portMin, portMax }: Pick<RuleCli, 'portMin' | 'portMax'>): string =>
  portMax === null || portMax === portMin ? String(portMin) : `${portMin}:${portMax}`
export const ruleDeleteCli = (id: string): string =>
  shellLine('openstack', 'security', 'group', 'rule', 'delete', id)

export const floatingIpCreateCli = (network: string, portId: string | null, description: string): string =>
  shellLine(
    ...['openstack', 'floating', 'ip', 'create'],
    ...(portId ? ['--port', portId] : []),
    ...(description ? ['--description', description] : []),
    network || 'public',
  )
export const floatingIpAssociateCli = (id: string, portId: string): string =>
  shellLine('openstack', 'floating', 'ip', 'set', '--port', portId || 'PORT', id)
export const floatingIpDisassociateCli = (id: string): string =>
  shellLine('openstack', 'floating', 'ip', 'unset', '--port', id)
export const floatingIpSetCli = (id: string, description: string): string =>
  shellLine('openstack', 'floating', 'ip', 'set', '--description', description, id)
export const floatingIpDeleteCli = (id: string): string =>
  shellLine('openstack', 'floating', 'ip', 'delete', id)
