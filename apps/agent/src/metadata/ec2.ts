import { drivesOf } from '@stratolith/drivers/hypervisor/drives'
import type { LocalDiskKind } from '@stratolith/drivers/storage/interface'
import { type Answer, nothing, plain, raw, type Subject } from './reply.ts'

export const ec2Versions = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
  'latest',
]

export type Tree = { readonly [name: string]: string | Buffer | Tree }

/** The EC2 tree below /<version>, laid out as Nova's: one key a line, "/" after directories. */
export function ec2Answer(segments: readonly string[], subject: Subject): Answer {
  const [version = '', ...path] = segments
  if (!ec2Versions.includes(version)) return nothing
  let node: string | Buffer | Tree = treeOf(version, subject)
  for (const segment of path) {
    if (typeof node === 'string' || Buffer.isBuffer(node) || !Object.hasOwn(node, segment)) return nothing
    node = node[segment] ?? ''
  }
  if (Buffer.isBuffer(node)) return raw(node)
  return plain(typeof node === 'string' ? node : listing(node, path.at(-1) === 'public-keys', subject))
}

function listing(tree: Tree, isKeys: boolean, subject: Subject): string {
  if (isKeys) return subject.spec.guest.publicKeys.map(({ name }, index) => `${index}=${name}`).join('\n')
  return Object.keys(tree)
    .sort()
    .map((name) => {
      const child = tree[name]
      return typeof child === 'string' || Buffer.isBuffer(child) ? name : `${name}/`
    })
    .join('\n')
}

export function treeOf(version: string, { spec, ports }: Subject): Tree {
  const { guest } = spec
  const root = deviceAt(spec, 0)
  const since = (date: string, tree: Tree): Tree => (version !== '1.0' && version >= date ? tree : {})
  const keys = guest.publicKeys.map(({ key }, index): [string, Tree] => [`${index}`, { 'openssh-key': key }])
  const floating = ports.flatMap((port) => port.floatingIps)[0]?.address ?? ''
  const short = (id: string) => id.replaceAll('-', '').slice(0, 8)
  const metaData: Tree = {
    'ami-id': guest.imageId === null ? 'None' : `ami-${short(guest.imageId)}`,
    'ami-launch-index': `${guest.launchIndex}`,
    'ami-manifest-path': 'FIXME',
    'instance-id': `i-${short(spec.id)}`,
    hostname: guest.hostname,
    'local-ipv4': ports[0]?.port.addresses[0]?.ip ?? '',
    'reservation-id': `r-${short(spec.id)}`,
    'security-groups': guest.securityGroups.join('\n'),
    ...(keys.length > 0 ? { 'public-keys': Object.fromEntries(keys) } : {}),
    ...since('2007-01-19', {
      'local-hostname': guest.hostname,
      'public-hostname': guest.hostname,
      'public-ipv4': floating,
    }),
    ...since('2007-08-29', { 'instance-type': guest.flavorName }),
    ...since('2007-12-15', {
      'block-device-mapping': { ami: root, root: `/dev/${root}`, ...localDevices(spec) },
    }),
    ...since('2008-02-01', { placement: { 'availability-zone': guest.zone } }),
    ...since('2008-09-01', { 'instance-action': 'none' }),
  }
  return {
    'meta-data': metaData,
    ...(guest.userData === null ? {} : { 'user-data': Buffer.from(guest.userData, 'base64') }),
  }
}

/** The name that the guest gives to the disk at that place, in the order of its disks. */
const deviceAt = ({ diskBus }: Subject['spec'], place: number): string =>
  `${diskBus === 'scsi' ? 'sd' : 'vd'}${String.fromCharCode('a'.charCodeAt(0) + place)}`

/** The devices of the ephemeral and swap disks, by the names that Nova gives them: cloud-init mounts ephemeral0 and uses swap. */
function localDevices(spec: Subject['spec']): Tree {
  const drives = drivesOf(spec)
  const devices = (wanted: LocalDiskKind): string[] =>
    spec.disks.flatMap(({ id, kind }) =>
      kind === wanted ? `/dev/${deviceAt(spec, drives.indexOf(id))}` : [],
    )
  const [swap] = devices('swap')
  return {
    ...Object.fromEntries(devices('ephemeral').map((device, index) => [`ephemeral${index}`, device])),
    ...(swap === undefined ? {} : { swap }),
  }
}
