import { z } from 'zod'
import { notFound } from '../../kernel/errors.ts'
import { ruleCreateInput } from '../contract.ts'
import {
  findSecurityGroupRule,
  findSecurityGroupRules,
  type SecurityGroupRuleRecord,
} from '../security-groups/find.ts'
import { normalPrefix } from '../security-groups/prefixes.ts'
import { isOfIpv6, nameOfProtocol, normalProtocol } from '../security-groups/rules.ts'
import { newSecurityGroupRule, removeSecurityGroupRule } from '../security-groups/service.ts'
import { body, owner, shown } from './body.ts'
import { badRequest } from './errors.ts'
import { always, int, nullable, projectAttributes, text } from './query.ts'
import type { Resource } from './resource.ts'
import { seconds } from './views.ts'

const ethertypes = new Map<unknown, string>([
  ['ipv4', 'IPv4'],
  ['ipv6', 'IPv6'],
])
/** Null is any port. Every other value that is no port is shown in the refusal, as Neutron does. */
const port = z.unknown().transform((value) => {
  if (value === null || value === undefined) return null
  const number = body.int.safeParse(value)
  if (!number.success || number.data < 0 || number.data > 65_535)
    throw badRequest(`Invalid value for port ${shown(value)}`, 'SecurityGroupInvalidPortValue')
  return number.data
})
/** The ID of a group that must exist; text that is no ID gets the same not_found as an unknown group. */
const group = z.union([z.string(), z.number()]).transform((id) => {
  if (!z.uuid().safeParse(id).success) throw notFound('security group', shown(id))
  return String(id).toLowerCase()
})
const post = z.strictObject({
  ...owner,
  security_group_id: group,
  direction: z.enum(['ingress', 'egress']),
  ethertype: z
    .preprocess(
      (value) => (typeof value === 'string' ? (ethertypes.get(value.toLowerCase()) ?? value) : value),
      z.enum(['IPv4', 'IPv6']),
    )
    .default('IPv4'),
  protocol: z.union([z.string().max(40), z.int()]).nullish(),
  port_range_min: port.optional(),
  port_range_max: port.optional(),
  remote_ip_prefix: z.string().max(64).nullish(),
  remote_group_id: z.union([z.literal(''), group]).nullish(),
  remote_address_group_id: body.without('there are no address groups here'),
  description: body.long.nullish(),
})
type Wish = z.output<typeof post>

export const securityGroupRules: Resource<typeof post, z.ZodObject, SecurityGroupRuleRecord> = {
  name: 'security_group_rule',
  table: 'SecurityGroupRule',
  collection: 'security_group_rules',
  path: '/security-group-rules',
  kind: 'security group rule',
  attributes: {
    id: text('id'),
    ...projectAttributes,
    description: text('description'),
    security_group_id: text('groupId'),
    direction: text('direction'),
    ethertype: text('ethertype'),
    protocol: nullable('protocol'),
    port_range_min: int('portMin'),
    port_range_max: int('portMax'),
    remote_ip_prefix: nullable('remoteCidr'),
    remote_group_id: nullable('remoteGroupId'),
    remote_address_group_id: always(null),
    normalized_cidr: nullable('remoteCidr'),
    created_at: null,
    updated_at: null,
    revision_number: always(0),
  },
  post,
  find: findSecurityGroupRules,
  one: findSecurityGroupRule,
  views: (_ctx, rows) => rows.map(ruleView),
  create: (ctx, input) => {
    const protocol = protocolOf(input)
    const remote = remoteOf(input)
    return newSecurityGroupRule(
      ctx,
      ruleCreateInput.parse({
        securityGroupId: input.security_group_id,
        direction: input.direction,
        ethertype: input.ethertype,
        protocol: protocol.normal,
        ...portsOf(input, protocol.normal),
        remoteCidr: remote?.network,
        remoteGroupId: input.remote_group_id || null,
        description: input.description ?? '',
      }),
      { protocolText: protocol.text, remoteText: remote?.text ?? null },
    )
  },
  remove: (ctx, id) => removeSecurityGroupRule(ctx, { id }),
}

/**
 * Returns the caller's word in small letters, which is kept and shown as in Neutron, and its normal form, by which
 * rules are compared and enforced.
 */
function protocolOf({ protocol, ethertype }: Wish): { text: string | null; normal: string | null } {
  if (protocol === null || protocol === undefined) return { text: null, normal: null }
  const text = String(protocol).toLowerCase()
  const normal = normalProtocol(text)
  if (normal === undefined)
    throw badRequest(
      `Security group rule protocol ${shown(protocol)} not supported: name a protocol, or write its number from 0 to 255.`,
      'SecurityGroupRuleInvalidProtocol',
    )
  if (ethertype === 'IPv4' && isOfIpv6(text))
    throw badRequest(
      `Invalid ethertype IPv4 for protocol ${text}, which is one of IPv6.`,
      'SecurityGroupEthertypeConflictWithProtocol',
    )
  return { text, normal }
}

/** For protocols with ports Neutron takes both bounds or none, because one bound alone could mean two things. */
function portsOf({ port_range_min: portMin, port_range_max: portMax }: Wish, protocol: string | null) {
  const [min, max] = [portMin ?? null, portMax ?? null]
  if (protocol !== 'icmp' && (min === null) !== (max === null))
    throw badRequest(
      'port_range_min and port_range_max come together, and port_range_min must be <= port_range_max.',
      'SecurityGroupInvalidPortRange',
    )
  return { portMin: min, portMax: max }
}

function remoteOf({ remote_ip_prefix: prefix, ethertype }: Wish): ReturnType<typeof normalPrefix> {
  if (!prefix) return null
  const remote = normalPrefix(prefix)
  if (!remote) throw badRequest(`'${shown(prefix)}' is not a valid CIDR for remote_ip_prefix.`, 'InvalidCIDR')
  if (remote.ethertype !== ethertype)
    throw badRequest(
      `Conflicting value ethertype ${ethertype} for CIDR ${remote.text}`,
      'SecurityGroupRuleParameterConflict',
    )
  return remote
}

export function ruleView(row: SecurityGroupRuleRecord): Record<string, unknown> {
  const everything = row.ethertype === 'IPv6' ? '::/0' : '0.0.0.0/0'
  const network = row.remoteCidr ?? (row.remoteAny ? everything : null)
  return {
    id: row.id,
    tenant_id: row.projectId,
    security_group_id: row.groupId,
    ethertype: row.ethertype,
    direction: row.direction,
    protocol: row.protocolText ?? (row.protocol === null ? null : nameOfProtocol(row.protocol)),
    port_range_min: row.portMin,
    port_range_max: row.portMax,
    remote_ip_prefix: row.remoteText ?? network,
    remote_address_group_id: null,
    normalized_cidr: network,
    remote_group_id: row.remoteGroupId,
    description: row.description,
    tags: [],
    created_at: seconds(row.createdAt),
    updated_at: seconds(row.createdAt),
    revision_number: 0,
    project_id: row.projectId,
  }
}
