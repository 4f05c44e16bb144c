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
/** Tags are labels that users choose, and lists can be filtered by them. The given set replaces the set before. */
export const tagsSetInput = z.object({ kind: z.enum(tagKinds), id: z.uuid(), tags: tagsInput })

/**
 * With `projectId` a list holds the things of that project alone. Only administrators may name a project other than
 * their own.
 */
const ofProject = { projectId: z.string().max(64).optional() }
export const ownedListInput = pageInput.extend(ofProject)
export type OwnedListInput = z.output<typeof ownedListInput>

export const networkListInput = ownedListInput.extend({
  external: z.boolean().optional(),
  /** True: networks of the session's project. False: networks of other projects that are open to it. */
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
  /** False switches the network off: none of its ports carries traffic. */
  adminUp: z.boolean().optional(),
  mtu: z.number().int().min(576).max(9000).optional(),
  /** True shares the network with every project. Only administrators may set this field and the next one. */
  shared: z.boolean().optional(),
  external: z.boolean().optional(),
  /** The port security of a new port on this network for which nobody says anything else. */
  portSecurity: z.boolean().optional(),
})
export const subnetCreateInput = z.object({
  networkId: z.uuid(),
  name: z.string().max(255).default(''),
  description: descriptionInput.optional(),
  cidr: cidrInput,
  /** undefined: the first address of the range is the gateway's. null: the subnet has no gateway. */
  gatewayIp: ipv4.nullish(),
  dhcp: z.boolean().default(true),
  dns: z.array(ipv4).max(5).default([]),
  pool: z.object({ start: ipv4, end: ipv4 }).optional(),
})
/** A field that is left out keeps its value. */
export const subnetUpdateInput = z.object({
  id: z.uuid(),
  name: z.string().max(255).optional(),
  description: descriptionInput.optional(),
  gatewayIp: ipv4.nullish(),
  dhcp: z.boolean().optional(),
  dns: z.array(ipv4).max(5).optional(),
  pool: z.object({ start: ipv4, end: ipv4 }).optional(),
})
/** What the portal says before it offers a starter network. */
export type StarterOffer = {
  /** There is a network for instances, the project's own or one that is open to it. */
  hasNetwork: boolean
  /** A router of the project leads out from a network for instances. */
  hasWayOut: boolean
  /** The names of the starter networks that the project has. */
  names: string[]
}
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
  /** Pages of the version before read this field; the next version removes it. */
  pool: { start: string; end: string }
  /** The ranges from which ports get addresses; the gateway's address is in none of them. */
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
  /** The port security of a new port on this network for which nobody says anything else. */
  portSecurity: boolean
  state: 'build' | 'active' | 'down' | 'error' | 'deleting'
  createdAt: string
  subnets: SubnetView[]
  /** The router through which the network reaches the outside, if there is one. */
  router: { id: string; name: string; externalAddress: string | null } | null
  ports: number
  own: boolean
}

export const portListInput = ownedListInput.extend({
  networkId: z.uuid().optional(),
  deviceId: z.string().max(64).optional(),
  /** Lists only the ports in this group. */
  securityGroupId: z.uuid().optional(),
  /** Lists only ports that are attached to a thing of this kind. */
  use: z.enum(portUses).optional(),
})
/**
 * What a port is attached to. `other` is a device outside of this cloud, which a user has named. `name` is known for
 * instances and routers that the caller may see.
 */
export type PortDevice = {
  kind: 'instance' | 'router' | 'floatingIp' | 'other'
  id: string
  name: string | null
}
export type PortView = {
  id: string
  name: string
  description: string
  /** Empty for a port of the cloud itself, which serves a router or a floating IP. */
  projectId: string
  networkId: string
  networkName: string
  mac: string
  adminUp: boolean
  /** False: the port's traffic is not filtered, and the guest may use addresses that are not the port's. */
  portSecurity: boolean
  /** `n/a` for the port of a floating IP: the router carries out a floating IP, not this port. */
  state: 'build' | 'active' | 'down' | 'error' | 'n/a'
  errorMessage: string | null
  deviceOwner: string
  deviceId: string
  /** Null: the port is attached to nothing. */
  device: PortDevice | null
  addresses: { subnetId: string; address: string; floatingIp: { id: string; address: string } | null }[]
  securityGroups: { id: string; name: string }[]
  createdAt: string
}
/**
 * `address` alone asks for this address, `subnetId` alone for any address of the subnet's pool, and both for this
 * address of this subnet.
 */
const fixedIpInput = z.object({ subnetId: z.uuid().optional(), address: ipv4.optional() })
const fixedIpsInput = z.array(fixedIpInput).max(5, 'A port has at most 5 addresses.')
/** A MAC address of one network card: neither a multicast address nor the address of zeros. */
export const macInput = z
  .string()
  .regex(
    /^(?!0{2}(:0{2}){5})[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/,
    'Write a MAC address of one card, as fa:16:3e:00:00:01.',
  )
export const portCreateInput = z.object({
  networkId: z.uuid(),
  /** Only administrators may name a project other than their own. */
  projectId: z.string().max(64).optional(),
  name: z.string().max(255).default(''),
  description: descriptionInput.default(''),
  adminUp: z.boolean().default(true),
  /** When this field is left out, the port gets one address of the network's first subnet. */
  fixedIps: fixedIpsInput.optional(),
  mac: macInput.optional(),
  /** When this field is left out, the port is in the project's default group. */
  securityGroupIds: z.array(z.uuid()).max(50).optional(),
  /**
   * False: the port's traffic is not filtered, and the guest may use addresses that are not the port's; only owners of
   * the network may say so. When the field is left out, the network's setting holds.
   */
  portSecurity: z.boolean().optional(),
  /** Names a device outside of this cloud that uses the port; instances and routers set these fields themselves. */
  deviceId: z.string().max(255).default(''),
  deviceOwner: z.string().max(255).default(''),
  tags: tagsInput.default([]),
})
/** A field that is left out keeps its value. */
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
  /** Only administrators may name a project other than their own. */
  projectId: z.string().max(64).optional(),
  name: nameInput,
  description: descriptionInput.default(''),
  externalNetworkId: z.uuid().nullish(),
  adminUp: z.boolean().optional(),
})
/** A field that is left out keeps its value; an `externalNetworkId` of null takes the router's way out away. */
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
  /** False: the router is switched off and carries no traffic. */
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

/** With `instanceId` (or `portId`) the floating IP leads at once to the first address of that instance (or port). */
export const floatingIpCreateInput = z.object({
  networkId: z.uuid().optional(),
  description: descriptionInput.default(''),
  portId: z.uuid().optional(),
  /** The address of the port to which the floating IP leads; when left out, the port's first address. */
  fixedAddress: ipv4.optional(),
})
/** A field that is left out keeps its value; a `portId` of null takes the floating IP off its port. */
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
  /** The instance to which the floating IP leads. */
  instanceId: string | null
  instanceName: string | null
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
  /** The first and the last port; for ICMP, the type and the code. */
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

/** Opens a network to one project, or, with "*", to all projects. */
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
