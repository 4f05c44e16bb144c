import { z } from 'zod'
import { seesAll } from '../../kernel/context.ts'
import type { Page, PageInput } from '../../kernel/contract.ts'
import type { FloatingIpView, NetworkView } from '../../networking/contract.ts'
import {
  createFloatingIp,
  deleteFloatingIp,
  getFloatingIp,
  listFloatingIps,
} from '../../networking/floating-ips/service.ts'
import { getNetwork, listNetworks } from '../../networking/networks/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type At, type Field, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import { at } from './fields.ts'

/** Networks and floating IPs as Nova showed them before 2.36, when clients asked only Nova. */
const gone = { until: 35 }
/** Nova's lists of these things have no pages: the answer is the whole list or a refusal, and never a part. */
const whole: PageInput = { limit: 1000, sortDir: 'asc', allProjects: false }
function allOf<Item>({ items, next }: Page<Item>): Item[] {
  if (next !== null)
    throw new HttpError(400, `There are more than ${whole.limit}. Ask Neutron, which has pages.`)
  return items
}

/** Keys of nova-network, which are present and always null. */
const nothing = (names: string, only?: (view: At) => boolean): Field<NetworkView>[] =>
  names
    .split(' ')
    .map((name) => ({ name, of: (_: NetworkView, view: At) => (!only || only(view) ? null : undefined) }))
const networkFields: Field<NetworkView>[] = [
  { name: 'id', of: (n) => n.id },
  { name: 'label', of: (n) => n.name },
  ...nothing('cidr netmask gateway broadcast dns1 dns2 cidr_v6 gateway_v6 netmask_v6'),
  ...nothing(
    'created_at updated_at deleted_at deleted injected bridge vlan vpn_public_address vpn_public_port vpn_private_address dhcp_start project_id host bridge_interface multi_host priority rxtx_base mtu dhcp_server enable_dhcp share_address',
    ({ admin }) => admin,
  ),
]
/** For ten years Nova has written None as a word here. */
const tenantFields: Field<NetworkView>[] = [
  { name: 'id', of: (n) => n.id },
  { name: 'cidr', of: () => 'None' },
  { name: 'label', of: (n) => n.name },
]

const networks = async ({ ctx }: Call, external?: boolean): Promise<NetworkView[]> =>
  allOf(
    await listNetworks(ctx, {
      ...whole,
      ...(external === undefined ? {} : { external }),
      allProjects: seesAllFrom(ctx),
    }),
  )
/** A caller without a project who may see all projects sees the networks of all. */
const seesAllFrom = (ctx: Call['ctx']) => seesAll(ctx) && ctx.scope.kind !== 'project'

const networkOperations = (root: string, noun: string, fields: Field<NetworkView>[]): ApiOperation[] => [
  {
    ...gone,
    name: `${noun}.list`,
    method: 'GET',
    path: root,
    summary: 'List networks',
    status: 200,
    access: 'list',
    handle: async (call) => ({ networks: (await networks(call)).map((n) => shape(fields, n, at(call))) }),
  },
  {
    ...gone,
    name: `${noun}.get`,
    method: 'GET',
    path: `${root}/:id`,
    summary: 'Show a network',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      network: shape(fields, await getNetwork(call.ctx, { id: call.params.id ?? '' }), at(call)),
    }),
  },
]

const floatingIp = (one: FloatingIpView): object => ({
  fixed_ip: one.fixedAddress,
  id: one.id,
  instance_id: one.instanceId,
  ip: one.address,
  pool: one.networkName,
})
const body = z.strictObject({ pool: z.string().max(255).nullish() }).nullish()

/** Allocates a floating IP from a pool, which is an external network named by its name or id. */
async function allocate(call: Call): Promise<object> {
  const pool = parse(body, call.body)?.pool ?? null
  const pools = pool === null ? [] : await networks(call, true)
  const found = pools.find((n) => n.id === pool) ?? pools.find((n) => n.name === pool)
  if (pool !== null && !found) throw new HttpError(404, `Floating IP pool ${pool} not found.`)
  const made = await createFloatingIp(call.ctx, {
    description: '',
    ...(found ? { networkId: found.id } : {}),
  })
  return { floating_ip: floatingIp(made) }
}

const item = { ...gone, path: '/os-floating-ips/:id' }
const floatingOperations: ApiOperation[] = [
  {
    ...gone,
    name: 'floating_ips.list',
    method: 'GET',
    path: '/os-floating-ips',
    summary: 'List floating IPs',
    status: 200,
    access: 'list',
    handle: async (call) => ({
      floating_ips: allOf(
        await listFloatingIps(call.ctx, { ...whole, allProjects: seesAllFrom(call.ctx) }),
      ).map(floatingIp),
    }),
  },
  {
    ...gone,
    name: 'floating_ips.create',
    method: 'POST',
    path: '/os-floating-ips',
    summary: 'Take a floating IP',
    status: 200,
    access: 'create',
    handle: allocate,
  },
  {
    ...item,
    name: 'floating_ips.get',
    method: 'GET',
    summary: 'Show a floating IP',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      floating_ip: floatingIp(await getFloatingIp(call.ctx, { id: call.params.id ?? '' })),
    }),
  },
  {
    ...item,
    name: 'floating_ips.delete',
    method: 'DELETE',
    summary: 'Give a floating IP back',
    status: 202,
    access: 'write',
    handle: async (call) => void (await deleteFloatingIp(call.ctx, { id: call.params.id ?? '' })),
  },
  {
    ...gone,
    name: 'floating_ip_pools.list',
    method: 'GET',
    path: '/os-floating-ip-pools',
    summary: 'List the networks that floating IPs are of',
    status: 200,
    access: 'list',
    handle: async (call) => ({
      floating_ip_pools: (await networks(call, true)).map(({ name }) => ({ name })),
    }),
  },
]

export const networkProxyOperations: ApiOperation[] = [
  ...networkOperations('/os-networks', 'networks', networkFields),
  ...networkOperations('/os-tenant-networks', 'tenant_networks', tenantFields),
  ...floatingOperations,
]
