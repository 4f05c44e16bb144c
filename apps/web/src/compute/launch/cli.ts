import type { SecurityRuleView } from '@stratolith/api/networking/contract'
import { rulePresets } from '@stratolith/api/networking/states'
import { shellLine } from '../../kit/shell.ts'
import { diskWords, isRootMade } from './disks.ts'
import { addressAllowed, type LaunchValues, launchNames, metadataOf, presetGroup } from './values.ts'

type PresetRule = Pick<SecurityRuleView, 'direction' | 'protocol' | 'portMin' | 'remoteCidr' | 'remoteGroup'>

/** The names behind the form's IDs; the stock client takes both. */
export type LaunchNames = {
  image: string | null
  flavor: string | null
  networks: string[]
  securityGroups: string[]
  externalNetwork: string | null
  /**
   * The security groups that have the name of the presets' group: the cloud takes the first one, and makes one when
   * there is none.
   */
  presetGroups: { id: string; rules: PresetRule[] }[]
  /** True: the launch makes the starter network first. */
  starter: boolean
}

/** Returns the same launch with the stock `openstack` client, ready to paste. */
export function launchCli(values: LaunchValues, names: LaunchNames): string {
  const count = Number(values.count) || 1
  const lines = [...starterLines(names), ...ruleLines(values, names)]
  if (values.userData) lines.push('# user-data.txt holds the user data of the form')
  lines.push(
    shellLine(
      'openstack',
      ...versionWords(values),
      'server',
      'create',
      ...diskWords(values, names.image),
      '--flavor',
      names.flavor ?? 'FLAVOR',
      ...networkWords(values, names),
      ...groupWords(values, names),
      ...(values.keyName ? ['--key-name', values.keyName] : []),
      ...(values.userData ? ['--user-data', 'user-data.txt'] : []),
      ...(values.description ? ['--description', values.description] : []),
      ...Object.entries(metadataOf(values.metadata)).flatMap(([key, value]) => [
        '--property',
        `${key}=${value}`,
      ]),
      ...values.tags.flatMap((tag) => ['--tag', tag]),
      ...(values.serverGroupId ? ['--hint', `group=${values.serverGroupId}`] : []),
      ...(values.zone ? ['--availability-zone', values.zone] : []),
      ...(values.hostName ? ['--host', values.hostName] : []),
      ...(values.configDrive ? ['--use-config-drive'] : []),
      ...(values.configDrive && values.adminPass ? ['--password', 'PASSWORD'] : []),
      ...(count > 1 ? ['--min', count, '--max', count] : []),
      '--wait',
      values.name.trim() || 'NAME',
    ),
  )
  return [...lines, ...publicIpLines(values, names)].join('\n')
}

/**
 * Tags need version 2.52 of the compute API, the type of a volume 2.67 and the name of a host 2.74, but the client asks
 * for 2.1 by default.
 */
function versionWords(values: LaunchValues): string[] {
  const { tags, hostName, rootType, disks } = values
  const hasType = (isRootMade(values) && rootType !== null) || disks.some(({ type }) => type)
  const version = hostName ? '2.74' : hasType ? '2.67' : tags.length > 0 ? '2.52' : null
  return version ? ['--os-compute-api-version', version] : []
}

function networkWords(values: LaunchValues, names: LaunchNames): string[] {
  const address = values.address.trim()
  const [networkId] = values.networkIds
  return address && networkId && addressAllowed(values) === true
    ? ['--nic', `net-id=${networkId},v4-fixed-ip=${address}`]
    : names.networks.flatMap((network) => ['--network', network])
}

function starterLines(names: LaunchNames): string[] {
  if (!names.starter) return []
  const [network = 'starter-net'] = names.networks
  return [
    shellLine('openstack', 'network', 'create', network),
    shellLine(
      'openstack',
      'subnet',
      'create',
      '--network',
      network,
      '--subnet-range',
      '10.0.0.0/24',
      `${network}-subnet`,
    ),
    shellLine(
      'openstack',
      'router',
      'create',
      '--external-gateway',
      names.externalNetwork ?? 'EXTERNAL',
      `${network}-router`,
    ),
    shellLine('openstack', 'router', 'add', 'subnet', `${network}-router`, `${network}-subnet`),
  ]
}

/** A group that exists is not made again: a second group of the same name could not be told from the first. */
function ruleLines(values: LaunchValues, names: LaunchNames): string[] {
  const chosen = rulePresets.filter((preset) => values.openPresets.includes(preset.key))
  if (chosen.length === 0) return []
  const [known] = names.presetGroups
  const group = presetRef(values, names)
  const missing = chosen.filter(({ protocol, portMin }) => !known?.rules.some(isOpen(protocol, portMin)))
  return [
    ...(known ? [] : [shellLine('openstack', 'security', 'group', 'create', group)]),
    ...missing.map((preset) =>
      shellLine(
        'openstack',
        'security',
        'group',
        'rule',
        'create',
        '--protocol',
        preset.protocol,
        ...(preset.portMin === null ? [] : ['--dst-port', preset.portMin]),
        group,
      ),
    ),
  ]
}

const isOpen = (protocol: string, portMin: number | null) => (rule: PresetRule) =>
  rule.direction === 'ingress' &&
  rule.protocol === protocol &&
  rule.portMin === portMin &&
  rule.remoteCidr === null &&
  rule.remoteGroup === null

/** Returns the group's name, or its ID when another group has the same name. */
function presetRef(values: LaunchValues, { presetGroups: [known, another] }: LaunchNames): string {
  return known && another ? known.id : presetGroup(values.openPresets)
}

function groupWords(values: LaunchValues, names: LaunchNames): string[] {
  const opens = values.openPresets.length > 0
  const groups = names.securityGroups.length > 0 || !opens ? names.securityGroups : ['default']
  return [...groups, ...(opens ? [presetRef(values, names)] : [])].flatMap((name) => [
    '--security-group',
    name,
  ])
}

function publicIpLines(values: LaunchValues, names: LaunchNames): string[] {
  if (!values.publicIp) return []
  const network = names.externalNetwork ?? 'EXTERNAL'
  const create = shellLine(
    'openstack',
    'floating',
    'ip',
    'create',
    '-f',
    'value',
    '-c',
    'floating_ip_address',
    network,
  )
  return launchNames(values.name.trim() || 'NAME', values.count).map(
    (name) => `${shellLine('openstack', 'server', 'add', 'floating', 'ip', name)} "$(${create})"`,
  )
}
