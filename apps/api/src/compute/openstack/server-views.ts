import { createHash } from 'node:crypto'
import { type At, type Field, links, micros, seconds, shape } from '../../openstack/fields.ts'
import { rootDeviceOf } from '../../volumes/contract.ts'
import { statusOf } from '../instances/server-list.ts'
import type { ShownServer } from '../instances/shown-server.ts'
import { bookmarkOnly } from './fields.ts'

type Server = ShownServer

/** Nova's hostId, which is the same for all instances of a project on one machine and does not tell the name. */
export const hostIdOf = (projectId: string, host: { name: string } | null): string =>
  host
    ? createHash('sha224')
        .update(projectId + host.name)
        .digest('hex')
    : ''

/** The name that the host gives the guest: "instance-0a1b2c3d". */
const instanceName = (id: string) => `instance-${id.slice(0, 8)}`
const withProgress = new Set(['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'])

function addresses({ addresses: all }: Server, extended: boolean): Record<string, object[]> {
  const byNetwork: Record<string, object[]> = Object.create(null) as Record<string, object[]>
  for (const { networkName, address, mac, floatingIp } of all) {
    const list = byNetwork[networkName] ?? []
    byNetwork[networkName] = list
    for (const [addr, type] of [
      [address, 'fixed'],
      [floatingIp, 'floating'],
    ] as const)
      if (addr !== null)
        list.push({
          version: addr.includes(':') ? 6 : 4,
          addr,
          ...(extended ? { 'OS-EXT-IPS:type': type, 'OS-EXT-IPS-MAC:mac_addr': mac } : {}),
        })
  }
  return byNetwork
}
export const addressesOf = (server: Server) => addresses(server, false)

function image({ row }: Server, at: At): object | string {
  return row.imageId === null || row.rootOnVolume
    ? ''
    : { id: row.imageId, links: bookmarkOnly(at, `images/${row.imageId}`) }
}
const flavorLink = ({ row }: Server, at: At) => ({
  id: row.flavorId,
  links: bookmarkOnly(at, `flavors/${encodeURIComponent(row.flavorId)}`),
})
/** The flavor as it was when the instance was launched; since 2.47 without the flavor's id. */
const flavorCopy = ({ row }: Server) => ({
  vcpus: row.vcpus,
  ram: row.memoryMib,
  disk: row.diskGib,
  ephemeral: row.ephemeralGib,
  swap: row.swapMib,
  original_name: row.flavorName,
  extra_specs: row.flavorSpecs,
})

function fault({ row }: Server, at: At): object | undefined {
  if (row.faultMessage === null || !['ERROR', 'DELETED'].includes(statusOf(row))) return undefined
  return {
    code: row.faultCode ?? 500,
    created: seconds(row.faultAt ?? row.updatedAt),
    message: row.faultMessage,
    ...(at.admin && row.faultDetail !== null ? { details: row.faultDetail } : {}),
  }
}

function hostStatus({ host, row }: Server): string {
  if (row.hostId === null || !host) return ''
  if (host.state === 'fenced') return 'DOWN'
  if (!host.enabled) return 'MAINTENANCE'
  return host.state === 'up' ? 'UP' : 'UNKNOWN'
}

/** The fields that an update answers before 2.75, and that begin every other view. */
const basic: Field<Server>[] = [
  { name: 'id', of: ({ row }) => row.id },
  { name: 'name', of: ({ row }) => row.name },
  { name: 'status', of: ({ row }) => statusOf(row) },
  { name: 'tenant_id', of: ({ row }) => row.projectId },
  { name: 'user_id', of: ({ row }) => row.userId },
  { name: 'metadata', of: ({ row }) => row.metadata },
  { name: 'hostId', of: ({ row, host }) => hostIdOf(row.projectId, host) },
  { name: 'image', of: image },
  { name: 'flavor', until: 46, of: flavorLink },
  { name: 'flavor', since: 47, of: flavorCopy },
  { name: 'created', of: ({ row }) => seconds(row.createdAt) },
  { name: 'updated', of: ({ row }) => seconds(row.updatedAt) },
]
const middle: Field<Server>[] = [
  { name: 'accessIPv4', of: ({ row }) => row.accessIpv4 },
  { name: 'accessIPv6', of: ({ row }) => row.accessIpv6 },
  { name: 'links', of: ({ row }, at) => links(at, `servers/${row.id}`) },
  { name: 'OS-DCF:diskConfig', of: ({ row }) => row.diskConfig },
  { name: 'progress', of: ({ row }) => (withProgress.has(statusOf(row)) ? 0 : undefined) },
  { name: 'fault', of: fault },
]
const later: Field<Server>[] = [
  { name: 'locked', since: 9, of: ({ row }) => row.locked },
  { name: 'description', since: 19, of: ({ row }) => row.description || null },
  { name: 'tags', since: 26, of: ({ row }) => row.tags },
  { name: 'trusted_image_certificates', since: 63, of: () => null },
]
const groups: Field<Server> = {
  name: 'server_groups',
  since: 71,
  of: ({ row }) => (row.serverGroupId === null ? [] : [row.serverGroupId]),
}
const lockedReason: Field<Server> = { name: 'locked_reason', since: 73, of: ({ row }) => row.lockedReason }

const forAdmins = (fields: Field<Server>[]): Field<Server>[] =>
  fields.map((field) => ({ ...field, of: (s, at) => (at.admin ? field.of(s, at) : undefined) }))

const extended: Field<Server>[] = [
  { name: 'OS-EXT-AZ:availability_zone', of: ({ row }) => (row.hostId === null ? '' : (row.zone ?? '')) },
  { name: 'config_drive', of: ({ row }) => (row.configDrive ? 'True' : '') },
  { name: 'key_name', of: ({ row }) => row.keyName },
  { name: 'OS-SRV-USG:launched_at', of: ({ row }) => micros(row.launchedAt) },
  { name: 'OS-SRV-USG:terminated_at', of: ({ row }) => micros(row.terminatedAt) },
  {
    name: 'security_groups',
    of: ({ groups: named }) => (named.length === 0 ? undefined : named.map(({ name }) => ({ name }))),
  },
  ...forAdmins([
    { name: 'OS-EXT-SRV-ATTR:host', of: ({ host }) => host?.name ?? null },
    { name: 'OS-EXT-SRV-ATTR:instance_name', of: ({ row }) => instanceName(row.id) },
    { name: 'OS-EXT-SRV-ATTR:hypervisor_hostname', of: ({ host }) => host?.name ?? null },
    { name: 'OS-EXT-SRV-ATTR:reservation_id', since: 3, of: ({ row }) => row.reservationId },
    { name: 'OS-EXT-SRV-ATTR:launch_index', since: 3, of: ({ row }) => row.launchIndex },
    { name: 'OS-EXT-SRV-ATTR:hostname', since: 3, of: ({ row }) => row.hostname },
    { name: 'OS-EXT-SRV-ATTR:kernel_id', since: 3, of: () => '' },
    { name: 'OS-EXT-SRV-ATTR:ramdisk_id', since: 3, of: () => '' },
    { name: 'OS-EXT-SRV-ATTR:root_device_name', since: 3, of: ({ row }) => rootDeviceOf(row.diskBus) },
    { name: 'OS-EXT-SRV-ATTR:user_data', since: 3, of: ({ row }) => row.userData },
  ]),
  { name: 'OS-EXT-STS:task_state', of: ({ row }) => row.taskState },
  { name: 'OS-EXT-STS:vm_state', of: ({ row }) => row.vmState },
  { name: 'OS-EXT-STS:power_state', of: ({ row }) => row.powerState },
  {
    name: 'os-extended-volumes:volumes_attached',
    of: ({ volumes }, { minor }) =>
      volumes.map((one) => ({
        id: one.volumeId,
        ...(minor >= 3 ? { delete_on_termination: one.deleteOnTermination } : {}),
      })),
  },
  ...forAdmins([{ name: 'host_status', since: 16, of: hostStatus }]),
]

const detailed: Field<Server>[] = [
  ...basic,
  { name: 'addresses', of: (server) => addresses(server, true) },
  ...middle,
  ...extended,
  ...later,
]
const detail: Field<Server>[] = [...detailed, lockedReason]
/** The view of a single server also has its groups. */
const full: Field<Server>[] = [...detailed, groups, lockedReason]
const updated: Field<Server>[] = [
  ...basic,
  { name: 'addresses', of: (server) => addresses(server, false) },
  ...middle,
  ...later,
  groups,
  lockedReason,
]

export const serverDetail = (server: Server, at: At) => shape(detail, server, at)
export const serverFull = (server: Server, at: At) => shape(full, server, at)
/** Before 2.75 the answer to an update has fewer fields than the answer to a request for the server. */
export const serverUpdated = (server: Server, at: At) => shape(at.minor >= 75 ? full : updated, server, at)
export const serverBrief = ({ row }: Pick<Server, 'row'>, at: At) => ({
  id: row.id,
  name: row.name,
  links: links(at, `servers/${row.id}`),
})
