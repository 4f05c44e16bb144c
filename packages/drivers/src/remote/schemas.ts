import { z } from 'zod'

/**
 * What an agent accepts. The control plane has checked all of it before; here it is checked
 * again because the agent is root: bounds on everything, ids that are safe as file names, paths
 * without a way up. The types are checked against the interfaces by the calls in protocol.ts.
 */
export const id = z.string().regex(/^[0-9a-zA-Z][0-9a-zA-Z_-]{0,63}$/, 'not a generated id')
const text = (max: number) => z.string().max(max)
const ipv4 = z.ipv4()
const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'not a MAC address')
const tag = z.number().int().min(1).max(0x7fffffff)
const prefix = z.number().int().min(0).max(32)
const mtu = z.number().int().min(68).max(65_535)
const count = z.number().int().min(1)
const absolutePath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0\n]*$/, 'not an absolute path')
  .refine((path) => !path.split('/').includes('..'), 'a path with ".."')
const diskFormat = z.enum(['raw', 'qcow2'])

export const graceMs = z.number().int().min(0).max(600_000)
export const stopOptions = z.strictObject({ graceMs })
export const rebootOptions = z.strictObject({ kind: z.enum(['soft', 'hard']), graceMs })
export const logOptions = z.strictObject({
  offset: z.number().int().min(0).optional(),
  maxBytes: z.number().int().min(1).max(4_194_304),
  tailLines: z.number().int().min(1).max(100_000).optional(),
})
export const consoleProtocol = z.enum(['vnc', 'serial'])

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
})
export const instanceSpec = z.strictObject({
  id,
  projectId: id,
  name: text(255),
  vcpus: count.max(1024),
  memoryMib: count.max(67_108_864),
  power: z.enum(['running', 'off']),
  disks: z.array(z.strictObject({ id, path: absolutePath, format: diskFormat, boot: z.boolean() })).max(64),
  nics: z
    .array(
      z.strictObject({
        portId: id,
        mac,
        tap: z.string().regex(/^[\w.-]{1,15}$/, 'not an interface name'),
        mtu,
      }),
    )
    .max(32),
  guest: guestData,
})

const subnetSpec = z.strictObject({
  id,
  cidr: z.cidrv4(),
  gatewayIp: ipv4.nullable(),
  dhcp: z.boolean(),
  dhcpIp: ipv4.nullable(),
  dns: z.array(ipv4).max(16),
})
export const networkSpec = z.strictObject({
  id,
  tag,
  mtu,
  external: z.boolean(),
  subnets: z.array(subnetSpec).max(64),
})
const filterRule = z.strictObject({
  direction: z.enum(['ingress', 'egress']),
  ethertype: z.enum(['IPv4', 'IPv6']),
  protocol: z.number().int().min(0).max(255).nullable(),
  portMin: z.number().int().min(0).max(65_535).nullable(),
  portMax: z.number().int().min(0).max(65_535).nullable(),
  remote: z
    .union([z.strictObject({ cidr: z.union([z.cidrv4(), z.cidrv6()]) }), z.strictObject({ addressSet: id })])
    .nullable(),
})
export const portSpec = z.strictObject({
  id,
  tag,
  networkId: id,
  mac,
  mtu,
  addresses: z.array(z.strictObject({ subnetId: id, ip: ipv4, prefix })).max(64),
  hostname: text(255),
  instanceId: z.union([id, z.literal('')]),
  projectId: id,
  portSecurity: z.boolean(),
  adminUp: z.boolean(),
  rules: z.array(filterRule).max(20_000),
})
export const routerSpec = z.strictObject({
  id,
  tag,
  adminUp: z.boolean(),
  external: z.strictObject({ networkId: id, address: ipv4, prefix, gatewayIp: ipv4 }).nullable(),
  interfaces: z.array(z.strictObject({ portId: id, networkId: id, mac, address: ipv4, prefix })).max(256),
  floatingIps: z.array(z.strictObject({ id, address: ipv4, fixedAddress: ipv4 })).max(10_000),
})
export const addressSetSpec = z.strictObject({
  id,
  addresses: z.array(z.union([ipv4, z.ipv6()])).max(65_536),
})

export const diskSpec = z.strictObject({
  id,
  instanceId: id,
  projectId: id,
  sizeGib: count.max(1_048_576),
  base: z.strictObject({ blobId: id, format: diskFormat }),
  mode: z.enum(['overlay', 'copy']),
})
export const baseSpec = z.strictObject({ blobId: id, format: diskFormat, maxVirtualBytes: count })
