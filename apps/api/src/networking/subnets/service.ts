import type { SubnetModel } from '@stratolith/db'
import { bounds } from '@stratolith/drivers/bounds'
import { toAddress, toNumber } from '@stratolith/drivers/network/ipv4'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { startOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import type { NetworkView, subnetCreateInput, subnetUpdateInput } from '../contract.ts'
import { type Cidr, contains, overlaps, parseCidr } from '../ipv4.ts'
import { holdNetwork, loadNetwork, type NetworkRow, networkTarget, seesSubnets } from '../networks/load.ts'
import { networkViews } from '../networks/view.ts'
import { takenAmong } from '../ports/allocate.ts'

type SubnetInput = z.output<typeof subnetCreateInput>

/** Adds a subnet; returns the network as it is then. */
export async function createSubnet(ctx: Ctx, input: SubnetInput): Promise<NetworkView> {
  await newSubnet(ctx, input)
  return oneNetwork(ctx, input.networkId)
}

/** Does the same; returns the subnet's ID. The subnet belongs to the network's project, whoever makes it. */
export async function newSubnet(ctx: Ctx, input: SubnetInput): Promise<string> {
  return inTransaction(ctx, async (tx) => {
    const network = await loadNetwork(tx, 'subnet:create', input.networkId)
    const subnetId = await addSubnet(tx, network, input)
    await applyNetworkLater(tx, network)
    return subnetId
  })
}

const applyNetworkLater = (ctx: Ctx, network: NetworkRow) =>
  startOperation(ctx, {
    id: crypto.randomUUID(),
    action: 'network.apply',
    resourceKind: 'network',
    resourceId: network.id,
    resourceName: network.name,
    projectId: network.projectId,
  })

const networkChanged = (ctx: Ctx, network: NetworkRow) =>
  appendEvent(ctx, {
    kind: 'network.updated',
    projectId: network.projectId,
    public: network.shared || network.external,
    resourceKind: 'network',
    resourceId: network.id,
  })

/** Checks a subnet by the grammar of its consumers (dnsmasq, ip) and writes the row. In a transaction. */
export async function addSubnet(
  ctx: Ctx,
  network: NetworkRow,
  input: Omit<SubnetInput, 'networkId'>,
): Promise<string> {
  const cidr = parseCidr(input.cidr)
  // Two transactions that add a subnet to one network take turns, so that neither misses the other's range.
  await holdNetwork(ctx, network, 'inTurn')
  const siblings = await ctx.db.subnet.findMany({ where: { networkId: network.id }, select: { cidr: true } })
  if (siblings.length >= bounds.subnetsOfNetwork)
    throw new CloudError('quota_exceeded', `A network has at most ${bounds.subnetsOfNetwork} subnets.`)
  const clash = siblings.find((subnet) => overlaps(parseCidr(subnet.cidr), cidr))
  if (clash)
    throw conflict(
      `${input.cidr} overlaps with another subnet of the same network, ${clash.cidr}. Choose another range.`,
      'subnetOverlaps',
    )
  const gatewayIp = input.gatewayIp === null ? null : (input.gatewayIp ?? toAddress(cidr.first))
  const pool = input.pool ?? { start: toAddress(cidr.first), end: toAddress(cidr.last) }
  checkRange(cidr, gatewayIp, pool)
  if (input.pool) refuseGatewayInPool(gatewayIp, pool)
  const dhcpIp = input.dhcp && !network.external ? freeFor(cidr, pool, gatewayIp) : null
  const id = crypto.randomUUID()
  await reserveQuota(ctx, network.projectId, { subnets: 1 })
  await ctx.db.subnet.create({
    data: {
      id,
      networkId: network.id,
      projectId: network.projectId,
      name: input.name,
      description: input.description ?? '',
      cidr: cidr.text,
      gatewayIp,
      dhcp: dhcpIp !== null,
      dhcpIp,
      dns: input.dns,
      poolStart: pool.start,
      poolEnd: pool.end,
    },
  })
  await networkChanged(ctx, network)
  return id
}

type Range = { start: string; end: string }
function checkRange(cidr: Cidr, gatewayIp: string | null, pool: Range): void {
  if (gatewayIp && !contains(cidr, gatewayIp))
    throw invalidInput(`The gateway ${gatewayIp} is not a usable address of ${cidr.text}.`, 'gatewayIp')
  if (toNumber(pool.start) > toNumber(pool.end))
    throw invalidInput(
      `The pool ${pool.start}–${pool.end} ends before it begins.`,
      'pool',
      'invalidAllocationPool',
    )
  if (!contains(cidr, pool.start) || !contains(cidr, pool.end))
    throw invalidInput(
      `The pool ${pool.start}–${pool.end} is not a range of ${cidr.text}.`,
      'pool',
      'outOfBoundsAllocationPool',
    )
}

/** A caller who names a pool wants all of it given out, but the gateway's address is never given out. */
function refuseGatewayInPool(gatewayIp: string | null, { start, end }: Range): void {
  if (gatewayIp === null) return
  if (toNumber(start) <= toNumber(gatewayIp) && toNumber(gatewayIp) <= toNumber(end))
    throw conflict(
      `Gateway ip ${gatewayIp} conflicts with allocation pool ${start}-${end}. Choose a pool without it.`,
      'gatewayConflictWithAllocationPools',
    )
}

/** Changes name, gateway, DHCP, name servers and pool; a workflow tells the hosts. */
export async function updateSubnet(
  ctx: Ctx,
  input: z.output<typeof subnetUpdateInput>,
): Promise<NetworkView> {
  const networkId = await inTransaction(ctx, async (tx) => {
    const { network } = await loadSubnet(tx, 'subnet:update', input.id)
    const takesAddress = input.gatewayIp !== undefined || input.dhcp !== undefined
    await holdNetwork(tx, network, takesAddress ? 'alone' : 'inTurn')
    const subnet = await tx.db.subnet.findUnique({ where: { id: input.id } })
    if (!subnet) throw notFound('subnet', input.id)
    const cidr = parseCidr(subnet.cidr)
    const gatewayIp = input.gatewayIp === undefined ? subnet.gatewayIp : input.gatewayIp
    const pool = input.pool ?? { start: subnet.poolStart, end: subnet.poolEnd }
    checkRange(cidr, gatewayIp, pool)
    if (input.pool) refuseGatewayInPool(gatewayIp, pool)
    if (gatewayIp !== subnet.gatewayIp) await refuseGatewayInUse(tx, subnet, gatewayIp)
    const dhcp = (input.dhcp ?? subnet.dhcp) && !network.external
    const keeps = subnet.dhcpIp !== null && subnet.dhcpIp !== gatewayIp
    const dhcpIp = !dhcp
      ? null
      : keeps
        ? subnet.dhcpIp
        : await freeDhcpIp(tx, subnet.id, cidr, pool, gatewayIp)
    await tx.db.subnet.update({
      where: { id: subnet.id },
      data: {
        name: input.name,
        description: input.description,
        dns: input.dns,
        gatewayIp,
        poolStart: pool.start,
        poolEnd: pool.end,
        dhcp: dhcpIp !== null,
        dhcpIp,
      },
    })
    await applyNetworkLater(tx, network)
    await networkChanged(tx, network)
    return network.id
  })
  return oneNetwork(ctx, networkId)
}

async function refuseGatewayInUse(ctx: Ctx, subnet: SubnetModel, next: string | null): Promise<void> {
  const holders = await ctx.db.portAddress.findMany({
    where: { subnetId: subnet.id, address: { in: [subnet.gatewayIp, next].flatMap((ip) => ip ?? []) } },
    include: { port: { select: { deviceOwner: true } } },
  })
  for (const { address, port } of holders) {
    if (address === subnet.gatewayIp && port.deviceOwner === 'network:router_interface')
      throw conflict(`A router has ${address}. Take it off the subnet first.`, 'gatewayIpInUse')
    if (address === next) throw conflict(`${address} is in use. Choose another gateway.`, 'ipAddressInUse')
  }
}

/**
 * Does the same as freeFor on a subnet with ports. The caller has locked the network, so nobody takes the address
 * meanwhile.
 */
async function freeDhcpIp(
  ctx: Ctx,
  subnetId: string,
  cidr: Cidr,
  pool: Range,
  gatewayIp: string | null,
): Promise<string> {
  const wished = freeFor(cidr, pool, gatewayIp)
  const size = Math.min(cidr.last - cidr.first + 1, 1024)
  const candidates = [wished, ...Array.from({ length: size }, (_, i) => toAddress(cidr.first + i))]
  const taken = await takenAmong(ctx, subnetId, candidates)
  if (gatewayIp !== null) taken.add(gatewayIp)
  const free = candidates.find((address) => !taken.has(address))
  if (free === undefined)
    throw conflict(
      `Subnet ${cidr.text} has no free address for its DHCP server. Delete something on it first.`,
      'ipAddressGenerationFailure',
    )
  return free
}

/**
 * Loads a subnet with its network, if the caller may see that. Throws not_found for a subnet that the caller cannot
 * see.
 */
export async function loadSubnet(
  ctx: Ctx,
  action: string,
  id: string,
): Promise<{ subnet: SubnetModel; network: NetworkRow }> {
  const subnet = await ctx.db.subnet.findUnique({ where: { id } })
  const network = await loadNetwork(ctx, 'network:get', subnet?.networkId ?? id).catch((error: unknown) => {
    if (error instanceof CloudError && error.code === 'not_found') throw notFound('subnet', id)
    throw error
  })
  if (!subnet || !(await seesSubnets(ctx, network))) throw notFound('subnet', id)
  authorize(ctx, action, networkTarget(ctx, network))
  return { subnet, network }
}

/**
 * Returns the address of the DHCP server: the first of the subnet that is not the gateway's and, if possible, not in
 * the pool.
 */
function freeFor(
  cidr: ReturnType<typeof parseCidr>,
  pool: { start: string; end: string },
  gatewayIp: string | null,
): string {
  const taken = gatewayIp ? toNumber(gatewayIp) : -1
  const outside = [cidr.first, cidr.first + 1, cidr.last].find(
    (n) => n !== taken && (n < toNumber(pool.start) || n > toNumber(pool.end)),
  )
  return toAddress(outside ?? (cidr.first === taken ? cidr.first + 1 : cidr.first))
}

export async function deleteSubnet(ctx: Ctx, input: { id: string }): Promise<NetworkView> {
  const networkId = await inTransaction(ctx, async (tx) => {
    const { subnet, network } = await loadSubnet(tx, 'subnet:delete', input.id)
    await tx.db.$executeRaw`SELECT 1 FROM "Subnet" WHERE "id" = ${subnet.id}::uuid FOR UPDATE`
    const used = await tx.db.portAddress.count({ where: { subnetId: subnet.id } })
    if (used > 0)
      throw conflict(
        `${used} addresses of this subnet are in use. Delete the instances on it and detach the router first.`,
        'subnetInUse',
      )
    const { count } = await tx.db.subnet.deleteMany({ where: { id: subnet.id } })
    if (count === 0) throw notFound('subnet', subnet.id)
    await releaseQuota(tx, network.projectId, { subnets: 1 })
    await applyNetworkLater(tx, network)
    await networkChanged(tx, network)
    return network.id
  })
  return oneNetwork(ctx, networkId)
}

export async function oneNetwork(ctx: Ctx, id: string): Promise<NetworkView> {
  const [view] = await networkViews(ctx, [await loadNetwork(ctx, 'network:get', id)])
  if (!view) throw notFound('network', id)
  return view
}
