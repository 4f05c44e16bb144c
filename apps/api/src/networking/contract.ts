import { z } from 'zod'
import { descriptionInput, nameInput, pageInput } from '../kernel/contract.ts'
import { portUses } from './states.ts'

export * from './states.ts'

const ipv4 = z.ipv4()
const cidrInput = z.cidrv4('Write it as 10.0.0.0/24.')

const tagsInput = z
  .array(z.string().min(1).max(60, 'A tag has at most 60 characters.'))
  .max(50, 'At most 50 tags.')
export const tagKinds = ['network', 'subnet', 'port', 'router', 'floatingIp', 'securityGroup'] as const
export type TagKind = (typeof tagKinds)[number]
/** Labels of one's own choice, by which lists can be filtered. The set replaces the one before. */
export const tagsSetInput = z.object({ kind: z.enum(tagKinds), id: z.uuid(), tags: tagsInput })

/** `projectId`: of this project alone; of another one than their own administrators alone may ask. */
const ofProject = { projectId: z.string().max(64).optional() }
export const ownedListInput = pageInput.extend(ofProject)
export type OwnedListInput = z.output<typeof ownedListInput>

export const networkListInput = ownedListInput.extend({
  external: z.boolean().optional(),
  /** Of the session's project (true), or of others and opened to it (false). */
  own: z.boolean().optional(),
})
export const networkCreateInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  external: z.boolean().default(false),
  shared: z.boolean().default(false),
  mtu: z.number().int().min(576).max(9000).default(1500),
  subnet: z
    .object({
      name: z.string().max(255).default(''),
      cidr: cidrInput,
      gatewayIp: ipv4.nullish(),
      dhcp: z.boolean().default(true),
      dns: z.array(ipv4).max(5).default([]),
    })
    .optional(),
})
export const networkUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
  /** Down: no port of it carries traffic. */
  adminUp: z.boolean().optional(),
  mtu: z.number().int().min(576).max(9000).optional(),
  /** With every project; administrators only, as the next. */
  shared: z.boolean().optional(),
  external: z.boolean().optional(),
  /** What its new ports have when nothing else is said. */
  portSecurity: z.boolean().optional(),
})
export const subnetCreateInput = z.object({
  networkId: z.uuid(),
  name: z.string().max(255).default(''),
  description: descriptionInput.optional(),
  cidr: cidrInput,
  /** undefined: the first address; null: none. */
  gatewayIp: ipv4.nullish(),
  dhcp: z.boolean().default(true),
  dns: z.array(ipv4).max(5).default([]),
  pool: z.object({ start: ipv4, end: ipv4 }).optional(),
})
/** What is left out stays. */
export const subnetUpdateInput = z.object({
  id: z.uuid(),
  name: z.string().max(255).optional(),
  description: descriptionInput.optional(),
  gatewayIp: ipv4.nullish(),
  dhcp: z.boolean().optional(),
  dns: z.array(ipv4).max(5).optional(),
  pool: z.object({ start: ipv4, end: ipv4 }).optional(),
})
export const starterNetworkInput = z.object({ name: nameInput.default('starter-net') })

export type SubnetView = {
  id: string
  networkId: string
  name: string
  description: string
  cidr: string
  gatewayIp: string | null
  dhcp: boolean
  dns: string[]
  /** For pages of the version before; goes with the next one. */
  pool: { start: string; end: string }
  /** Ranges that ports get addresses of: without the gateway's. */
  pools: { start: string; end: string }[]
  addressesUsed: number
  addressesTotal: number
}
export type NetworkView = {
  id: string
  name: string
  description: string
  projectId: string
  external: boolean
  shared: boolean
  adminUp: boolean
  mtu: number
  /** What its new ports have when nothing else is said. */
  portSecurity: boolean
  state: 'build' | 'active' | 'down' | 'error' | 'deleting'
  createdAt: string
  subnets: SubnetView[]
  /** The router that leads out of it, when there is one. */
  router: { id: string; name: string; externalAddress: string | null } | null
  ports: number
  own: boolean
}

export const portListInput = ownedListInput.extend({
  networkId: z.uuid().optional(),
  deviceId: z.string().max(64).optional(),
  /** What they are attached to. */
  use: z.enum(portUses).optional(),
})
export type PortView = {
  id: string
  name: string
  description: string
  /** Empty: the cloud's own, for a router or a floating IP. */
  projectId: string
  networkId: string
  networkName: string
  mac: string
  adminUp: boolean
  /** False: neither filtered nor bound to its addresses. */
  portSecurity: boolean
  /** `n/a`: of a floating IP, which its router carries out and not a port. */
  state: 'build' | 'active' | 'down' | 'error' | 'n/a'
  errorMessage: string | null
  deviceOwner: string
  deviceId: string
  addresses: { subnetId: string; address: string; floatingIp: { id: string; address: string } | null }[]
  securityGroups: { id: string; name: string }[]
  createdAt: string
}
/** An address of its own choice, one of a subnet's pool, or (both) this one of that subnet. */
const fixedIpInput = z.object({ subnetId: z.uuid().optional(), address: ipv4.optional() })
const fixedIpsInput = z.array(fixedIpInput).max(5, 'A port has at most 5 addresses.')
/** Of one card: not of a group, and not the address that stands for none. */
export const macInput = z
  .string()
  .regex(
    /^(?!0{2}(:0{2}){5})[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/,
    'Write a MAC address of one card, as fa:16:3e:00:00:01.',
  )
export const portCreateInput = z.object({
  networkId: z.uuid(),
  /** Administrators alone may name another project than their own. */
  projectId: z.string().max(64).optional(),
  name: z.string().max(255).default(''),
  description: descriptionInput.default(''),
  adminUp: z.boolean().default(true),
  /** Left out: one of the network's first subnet. */
  fixedIps: fixedIpsInput.optional(),
  mac: macInput.optional(),
  /** Left out: the project's default group. */
  securityGroupIds: z.array(z.uuid()).max(50).optional(),
  /** False: neither filtered nor bound to its addresses; for owners of the network. Left out: as its network has it. */
  portSecurity: z.boolean().optional(),
  /** What outside of this cloud uses it; instances and routers set their own. */
  deviceId: z.string().max(255).default(''),
  deviceOwner: z.string().max(255).default(''),
  tags: tagsInput.default([]),
})
/** What is left out stays. */
export const portUpdateInput = z.object({
  id: z.uuid(),
  name: z.string().max(255).optional(),
  description: descriptionInput.optional(),
  adminUp: z.boolean().optional(),
  fixedIps: fixedIpsInput.optional(),
  mac: macInput.optional(),
  securityGroupIds: z.array(z.uuid()).max(50).optional(),
  portSecurity: z.boolean().optional(),
  deviceId: z.string().max(255).optional(),
  deviceOwner: z.string().max(255).optional(),
})

export const routerCreateInput = z.object({
  /** Administrators alone may name another project than their own. */
  projectId: z.string().max(64).optional(),
  name: nameInput,
  description: descriptionInput.default(''),
  externalNetworkId: z.uuid().nullish(),
  adminUp: z.boolean().optional(),
})
/** What is left out stays; externalNetworkId null: it leads nowhere any more. */
export const routerUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
  adminUp: z.boolean().optional(),
  externalNetworkId: z.uuid().nullish(),
})
export const routerInterfaceInput = z.object({ id: z.uuid(), subnetId: z.uuid() })
export const routerGatewayInput = z.object({ id: z.uuid(), externalNetworkId: z.uuid().nullable() })
export type RouterView = {
  id: string
  name: string
  description: string
  projectId: string
  /** Down: it carries nothing. */
  adminUp: boolean
  state: 'build' | 'active' | 'error' | 'deleting'
  external: { networkId: string; networkName: string; address: string } | null
  interfaces: {
    portId: string
    networkId: string
    networkName: string
    subnetId: string
    cidr: string
    address: string
  }[]
  createdAt: string
}

/** With instanceId it is associated at once with that instance's first address (or portId's). */
export const floatingIpCreateInput = z.object({
  networkId: z.uuid().optional(),
  description: descriptionInput.default(''),
  portId: z.uuid().optional(),
  /** Of the port's addresses; left out: the first. */
  fixedAddress: ipv4.optional(),
})
/** What is left out stays; portId null takes it off. */
export const floatingIpUpdateInput = z.object({
  id: z.uuid(),
  description: descriptionInput.optional(),
  portId: z.uuid().nullish(),
  fixedAddress: ipv4.optional(),
})
export const floatingIpAssociateInput = z.object({ id: z.uuid(), portId: z.uuid().nullable() })
export type FloatingIpView = {
  id: string
  address: string
  description: string
  projectId: string
  networkId: string
  networkName: string
  state: 'active' | 'down' | 'error'
  portId: string | null
  fixedAddress: string | null
  /** Instance behind it. */
  instanceId: string | null
  createdAt: string
}

export const protocolInput = z.preprocess(
  (value) =>
    typeof value === 'string' ? value.toLowerCase() : typeof value === 'number' ? String(value) : value,
  z
    .string()
    .regex(
      /^(tcp|udp|icmp|sctp|any|[0-9]{1,3})$/,
      'A protocol is tcp, udp, icmp, sctp, any or a number from 0 to 255.',
    ),
)
export const ruleCreateInput = z.object({
  securityGroupId: z.uuid(),
  direction: z.enum(['ingress', 'egress']),
  ethertype: z.enum(['IPv4', 'IPv6']).default('IPv4'),
  protocol: protocolInput.nullish(),
  /** First and last port; for icmp: type and code. */
  portMin: z.number().int().min(0).max(65_535).nullish(),
  portMax: z.number().int().min(0).max(65_535).nullish(),
  remoteCidr: z.string().max(64).nullish(),
  remoteGroupId: z.uuid().nullish(),
  description: descriptionInput.default(''),
})
export const securityGroupCreateInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
})
export const securityGroupUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
})
export type SecurityRuleView = {
  id: string
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  protocol: string | null
  portMin: number | null
  portMax: number | null
  remoteCidr: string | null
  remoteGroup: { id: string; name: string } | null
  description: string
}
export type SecurityGroupView = {
  id: string
  name: string
  description: string
  projectId: string
  isDefault: boolean
  rules: SecurityRuleView[]
  usedBy: { portId: string; instanceId: string | null }[]
  createdAt: string
}

/** Opens a network to one project, or to all: "*". */
export const rbacPolicyCreateInput = z.object({
  networkId: z.uuid(),
  targetProject: z.string().regex(/^(\*|[0-9a-zA-Z_.-]{1,64})$/, 'Name a project by its id, or * for all.'),
})
export type RbacPolicyView = {
  id: string
  projectId: string
  networkId: string
  action: 'access_as_shared'
  targetProject: string
  createdAt: string
}
