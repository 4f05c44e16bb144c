import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { documentKinds } from '../documents/kinds.ts'
import { driverErrorCodes } from '../errors.ts'

/**
 * The shape of what an agent accepts: no unknown field, bounds on everything, ids that are safe as
 * file names, paths without a way up. The grammar of addresses, names and rules is each driver's
 * own (it knows whom it writes them for). The types are checked by the calls in protocol.ts.
 */
export const id = z.string().regex(/^[0-9a-zA-Z][0-9a-zA-Z_-]{0,63}$/, 'not a generated id')
const idOrNone = z.union([id, z.literal('')])
const text = (max: number) => z.string().max(max)
const address = text(64)
const mac = text(32)
const tag = z.number().int()
const prefix = z.number().int()
const mtu = z.number().int()
const count = z.number().int()
const absolutePath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0\n]*$/, 'not an absolute path')
  .refine((path) => !path.split('/').includes('..'), 'a path with ".."')
const diskFormat = z.enum(['raw', 'qcow2'])

export const logOptions = z.strictObject({
  offset: z.number().int().min(0).optional(),
  maxBytes: z.number().int().min(1).max(4_194_304),
  tailLines: z.number().int().min(1).max(100_000).optional(),
})

export const emptyOptions = z.strictObject({ olderThanMs: z.number().int().min(0) })

const guestData = z.strictObject({
  hostname: text(255),
  zone: text(255),
  launchIndex: z.number().int().min(0),
  metadata: z.record(text(255), text(1024)),
  publicKeys: z.array(z.strictObject({ name: text(255), key: text(16_384) })).max(64),
  userData: text(131_072).nullable(),
  securityGroups: z.array(text(255)).max(256),
  flavorName: text(255),
  imageId: text(64).nullable(),
  adminPass: text(255).nullable().optional(),
})
const nics = z
  .array(
    z.strictObject({
      portId: id,
      mac,
      tap: text(32),
      mtu,
    }),
  )
  .max(bounds.nicsOfGuest)
export const instanceSpec = z.strictObject({
  id,
  projectId: id,
  name: text(255),
  vcpus: count,
  memoryMib: count,
  power: z.enum(['running', 'off']),
  disks: z
    .array(z.strictObject({ id, path: absolutePath, format: diskFormat, boot: z.boolean() }))
    .max(bounds.disksOfGuest),
  nics,
  configDrive: z.boolean().optional(),
  guest: guestData,
})

const subnetSpec = z.strictObject({
  id,
  cidr: address,
  gatewayIp: address.nullable(),
  dhcp: z.boolean(),
  dhcpIp: address.nullable(),
  dns: z.array(address).max(bounds.dnsOfSubnet),
})
export const networkSpec = z.strictObject({
  id,
  tag,
  mtu,
  external: z.boolean(),
  subnets: z.array(subnetSpec).max(bounds.subnetsOfNetwork),
})
const filterRule = z.strictObject({
  direction: z.enum(['ingress', 'egress']),
  ethertype: z.enum(['IPv4', 'IPv6']),
  protocol: z.number().int().nullable(),
  portMin: z.number().int().nullable(),
  portMax: z.number().int().nullable(),
  remote: z.union([z.strictObject({ cidr: address }), z.strictObject({ addressSet: id })]).nullable(),
})
export const portSpec = z.strictObject({
  id,
  tag,
  networkId: id,
  mac,
  mtu,
  addresses: z.array(z.strictObject({ subnetId: id, ip: address, prefix })).max(bounds.addressesOfPort),
  hostname: text(255),
  instanceId: idOrNone,
  projectId: idOrNone,
  portSecurity: z.boolean(),
  adminUp: z.boolean(),
  rules: z.array(filterRule).max(bounds.rulesOfPort),
})
const routerSpec = z.strictObject({
  id,
  tag,
  adminUp: z.boolean(),
  external: z.strictObject({ networkId: id, address, prefix, gatewayIp: address }).nullable(),
  interfaces: z
    .array(z.strictObject({ portId: id, networkId: id, mac, address, prefix }))
    .max(bounds.interfacesOfRouter),
  floatingIps: z
    .array(z.strictObject({ id, address, fixedAddress: address }))
    .max(bounds.floatingIpsOfRouter),
})
const addressSetSpec = z.strictObject({
  id,
  addresses: z.array(address).max(bounds.membersOfSet),
})

export const baseSpec = z.strictObject({ blobId: id, format: diskFormat, maxVirtualBytes: count })

const instanceWish = instanceSpec.omit({ disks: true, nics: true, power: true }).extend({
  power: z.literal('running').nullable(),
  disk: z.strictObject({ sizeGib: count, mode: z.enum(['overlay', 'copy']), base: baseSpec }).nullable(),
  ports: z.array(id).max(bounds.nicsOfGuest),
})
/** Each body is checked by itself, so that one that is wrong is refused alone. */
export const documentBodies = {
  network: networkSpec,
  addressSet: addressSetSpec,
  router: routerSpec,
  port: portSpec,
  instance: instanceWish,
}
export const documents = z
  .array(
    z.strictObject({
      kind: z.enum(documentKinds),
      id,
      generation: z.number().int().min(1),
      body: z.unknown(),
    }),
  )
  .max(1000)

/** A host's words: what is longer is cut, and what PostgreSQL does not take is taken out. */
const words = (max: number) =>
  z.string().transform((said) => said.slice(0, max).replaceAll('\0', '').toWellFormed())
const generation = z.int().min(0)
const observedPort = z.object({
  id,
  tap: text(32),
  state: z.enum(['active', 'down']),
  instanceId: idOrNone,
})
const power = z.enum(['running', 'off', 'paused', 'crashed'])
const observedGuest = z.object({
  id,
  power,
  pid: z.int().nullable(),
  startedAt: z.iso.datetime().nullable(),
  reason: words(16_384).nullable(),
})
export const hypervisorEvent = z.object({
  instanceId: id,
  power,
  reason: words(16_384).nullable(),
  at: text(64),
})
/** What the control plane accepts from an agent; that of a newer one may have more fields. */
export const receiptOf = z.object({ kind: z.enum(documentKinds), id, generation })
export const receipt = z.discriminatedUnion('outcome', [
  receiptOf.extend({
    outcome: z.literal('reached'),
    port: observedPort.optional(),
    guest: observedGuest.optional(),
  }),
  receiptOf.extend({ outcome: z.literal('working'), for: words(2_000) }),
  receiptOf.extend({ outcome: z.literal('older'), known: generation }),
  receiptOf.extend({
    outcome: z.literal('failed'),
    code: z.enum(driverErrorCodes),
    message: words(2_000),
  }),
])

export const keptGuest = z.strictObject({
  instanceId: id,
  name: text(255),
  projectId: id,
  told: text(2_000_000),
})
