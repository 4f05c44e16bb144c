import { z } from 'zod'
import { conflict } from '../../kernel/errors.ts'
import { ruleCreateInput } from '../contract.ts'
import {
  findSecurityGroup,
  findSecurityGroupRule,
  findSecurityGroupRules,
  findSecurityGroups,
  type SecurityGroupRecord,
  type SecurityGroupRuleRecord,
} from '../security-groups/find.ts'
import {
  createSecurityGroup,
  deleteSecurityGroup,
  newSecurityGroupRule,
  removeSecurityGroupRule,
  updateSecurityGroup,
} from '../security-groups/service.ts'
import { body, owner, ownerNamed } from './body.ts'
import { int, nullable, projectAttributes, standardAttributes, text } from './query.ts'
import type { Resource } from './resource.ts'
import { seconds, standardView } from './views.ts'

const groupPost = z.strictObject({
  ...owner,
  name: body.text.default(''),
  description: body.long.default(''),
  stateful: body.bool.pipe(z.literal(true, 'security groups here keep state')).default(true),
})
const groupPut = z.strictObject({
  name: body.text.optional(),
  description: body.long.optional(),
  stateful: body.bool.pipe(z.literal(true, 'security groups here keep state')).optional(),
})

export const securityGroups: Resource<typeof groupPost, typeof groupPut, SecurityGroupRecord> = {
  name: 'security_group',
  collection: 'security_groups',
  path: '/security-groups',
  kind: 'security group',
  attributes: {
    ...standardAttributes,
    name: text('name'),
    stateful: null,
    shared: null,
    security_group_rules: null,
  },
  // All of them keep state and none is shared.
  specials: {
    stateful: (values) => allOrNone(values.some((value) => /^(true|1)$/i.test(value))),
    shared: (values) => allOrNone(values.some((value) => /^(false|0)$/i.test(value))),
  },
  post: groupPost,
  put: groupPut,
  find: findSecurityGroups,
  one: findSecurityGroup,
  views: (_ctx, rows) => rows.map(groupView),
  create: async (ctx, input) => {
    if (input.name === 'default')
      throw conflict('Default security group already exists.', 'securityGroupDefaultAlreadyExists')
    const { name, description } = input
    return (await createSecurityGroup(ctx, { projectId: ownerNamed(input), name, description })).id
  },
  update: (ctx, id, { name, description }) => updateSecurityGroup(ctx, { id, name, description }),
  remove: (ctx, id) => deleteSecurityGroup(ctx, { id }),
}
const allOrNone = (all: boolean) => (all ? { field: 'notTags', any: ['\u0001'] } : { field: 'id', any: [] })

const groupView = (row: SecurityGroupRecord): Record<string, unknown> => ({
  id: row.id,
  name: row.name,
  stateful: true,
  tenant_id: row.projectId,
  description: row.description,
  shared: false,
  security_group_rules: row.rules.map(ruleView),
  ...standardView(row),
})

const rulePost = z.strictObject({
  ...owner,
  security_group_id: body.uuid,
  direction: z.enum(['ingress', 'egress']),
  ethertype: z
    .preprocess(
      (value) => ({ ipv4: 'IPv4', ipv6: 'IPv6' })[String(value).toLowerCase()] ?? value,
      z.enum(['IPv4', 'IPv6']),
    )
    .default('IPv4'),
  protocol: z.union([z.string().max(40), z.int()]).nullish(),
  port_range_min: body.int.nullish(),
  port_range_max: body.int.nullish(),
  remote_ip_prefix: z.string().max(64).nullish(),
  remote_group_id: body.uuid.nullish(),
  remote_address_group_id: z.null().optional(),
  description: body.long.nullish(),
})

export const securityGroupRules: Resource<typeof rulePost, z.ZodObject, SecurityGroupRuleRecord> = {
  name: 'security_group_rule',
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
    remote_address_group_id: null,
    normalized_cidr: null,
    created_at: null,
    updated_at: null,
    revision_number: null,
    tags: null,
  },
  post: rulePost,
  find: findSecurityGroupRules,
  one: findSecurityGroupRule,
  views: (_ctx, rows) => rows.map(ruleView),
  create: (ctx, input) => {
    return newSecurityGroupRule(
      ctx,
      ruleCreateInput.parse({
        securityGroupId: input.security_group_id,
        direction: input.direction,
        ethertype: input.ethertype,
        protocol: protocolOf(input.protocol),
        portMin: input.port_range_min,
        portMax: input.port_range_max,
        remoteCidr: input.remote_ip_prefix,
        remoteGroupId: input.remote_group_id,
        description: input.description ?? '',
      }),
    )
  },
  remove: (ctx, id) => removeSecurityGroupRule(ctx, { id }),
}

/** Names that Neutron knows beside those of the room, by IANA's numbers. */
const protocols: Record<string, string> = {
  ah: '51',
  dccp: '33',
  egp: '8',
  esp: '50',
  gre: '47',
  icmpv6: '58',
  'ipv6-icmp': '58',
  igmp: '2',
  ipip: '4',
  'ipv6-encap': '41',
  'ipv6-frag': '44',
  'ipv6-nonxt': '59',
  'ipv6-opts': '60',
  'ipv6-route': '43',
  ospf: '89',
  pgm: '113',
  rsvp: '46',
  udplite: '136',
  vrrp: '112',
}
const nameOfProtocol = new Map(Object.entries(protocols).map(([name, number]) => [number, name]))
const protocolOf = (value: string | number | null | undefined): unknown =>
  typeof value === 'string' ? (protocols[value.toLowerCase()] ?? value) : value

function ruleView(row: SecurityGroupRuleRecord): Record<string, unknown> {
  const everything = row.ethertype === 'IPv6' ? '::/0' : '0.0.0.0/0'
  const prefix = row.remoteCidr ?? (row.remoteAny ? everything : null)
  return {
    id: row.id,
    tenant_id: row.projectId,
    security_group_id: row.groupId,
    ethertype: row.ethertype,
    direction: row.direction,
    protocol: row.protocol === null ? null : (nameOfProtocol.get(row.protocol) ?? row.protocol),
    port_range_min: row.portMin,
    port_range_max: row.portMax,
    remote_ip_prefix: prefix,
    remote_address_group_id: null,
    normalized_cidr: prefix,
    remote_group_id: row.remoteGroupId,
    description: row.description,
    tags: [],
    created_at: seconds(row.createdAt),
    updated_at: seconds(row.createdAt),
    revision_number: 0,
    project_id: row.projectId,
  }
}
